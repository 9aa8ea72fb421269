// What ui.py's widgets call: galleries, tabs, Generate and its companions.

var opts = {};

/** Tells gradio that a script changed an input's value. */
function updateInput(target) {
    const event = new Event('input', {bubbles: true});
    Object.defineProperty(event, 'target', {value: target});
    target.dispatchEvent(event);
}

window.args_to_array = Array.from;

// ---- the options, as JavaScript sees them: JSON in a hidden text area ----

function watchOptions(textarea) {
    const value = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value');
    Object.defineProperty(textarea, 'value', {
        get: () => value.get.call(textarea),
        set: (text) => {
            const before = value.get.call(textarea);
            value.set.call(textarea, text);
            if (before !== text) opts = JSON.parse(text);
            executeCallbacks(optionsChangedCallbacks);
        },
    });
}

onAfterUiUpdate(() => {
    const textarea = gradioApp().querySelector('#settings_json textarea');
    if (Object.keys(opts).length || !textarea?.value) return;
    opts = JSON.parse(textarea.value);
    executeCallbacks(optionsChangedCallbacks);
    watchOptions(textarea);
});

onOptionsChanged(() => {
    const element = gradioApp().getElementById('sd_checkpoint_hash');
    if (element) element.textContent = (opts.sd_checkpoint_hash || '').slice(0, 10) || 'N/A';
});

function set_theme(theme) {
    const address = new URL(window.location.href);
    if (address.searchParams.has('__theme')) return;
    address.searchParams.set('__theme', theme);
    window.location.replace(address);
}

// ---- galleries ----

function all_gallery_buttons() {
    const found = gradioApp().querySelectorAll(
        '.tabitem[style*="display: block"] div[id$=_gallery].gradio-gallery .thumbnails > .thumbnail-small');
    return Array.from(found).filter((button) => button.parentElement.offsetParent);
}

/** The place of the picture selected in the gallery in sight; -1 for none. */
function selected_gallery_index() {
    return all_gallery_buttons().findIndex((button) => button.classList.contains('selected'));
}

/** The gallery's selected picture, or its first, as the only argument. */
function extract_image_from_gallery(gallery) {
    if (!gallery?.length) return [null];
    return [gallery[selected_gallery_index()] ?? gallery[0]];
}

// ---- tabs ----

function switch_to_tab(id, ...args) {
    const tabs = gradioApp().querySelectorAll('#tabs > .tabitem');
    const place = Array.from(tabs).findIndex((tab) => tab.id === `tab_${id}`);
    gradioApp().querySelectorAll('#tabs > .tab-nav > button')[place]?.click();
    return args;
}

function switch_to_img2img_tab(number) {
    switch_to_tab('img2img');
    gradioApp().querySelectorAll('#mode_img2img > .tab-nav > button')[number]?.click();
}

function switch_to_txt2img(...args) {
    return switch_to_tab('txt2img', ...args);
}

function switch_to_img2img(...args) {
    switch_to_img2img_tab(0);
    return args;
}

function switch_to_inpaint(...args) {
    switch_to_img2img_tab(1);
    return args;
}

function get_tab_index(id) {
    const buttons = Array.from(gradioApp().querySelectorAll(`#${id} > .tab-nav > button`));
    return Math.max(0, buttons.findIndex((button) => button.classList.contains('selected')));
}

// ---- Generate, Interrupt, Skip ----

/**
 * The arguments of an event without the gallery that gradio sends along, which may be large.
 * gradio appends the outputs: a gallery, then two or (on the host's own tabs) three texts. The fourth from
 * the end may be an input of an extension's tab, so it is dropped only where it is full of files.
 */
function create_submit_args(args) {
    const result = Array.from(args);
    const isGallery = (value) => Array.isArray(value) && value.length > 0 && value.every((item) => item?.is_file);
    if (Array.isArray(result.at(-3))) result[result.length - 3] = null;
    else if (isGallery(result.at(-4))) result[result.length - 4] = null;
    return result;
}

function setSubmitButtonsVisibility(tab, interrupt, skip, interrupting) {
    for (const [name, visible] of Object.entries({interrupt, skip, interrupting})) {
        const button = gradioApp().getElementById(`${tab}_${name}`);
        if (button) button.style.display = visible ? 'block' : 'none';
    }
}

/** Shows Generate where `show`, else Interrupt and Skip over it. */
function showSubmitButtons(tab, show) {
    setSubmitButtonsVisibility(tab, !show, !show, false);
}

function showSubmitInterruptingPlaceholder(tab) {
    setSubmitButtonsVisibility(tab, false, true, true);
}

function showRestoreProgressButton(tab, show) {
    const button = gradioApp().getElementById(`${tab}_restore_progress`);
    button?.style.setProperty('display', show ? 'flex' : 'none', 'important');
}

function followTask(tab, id, ...more) {
    const container = gradioApp().getElementById(`${tab}_gallery_container`);
    const gallery = gradioApp().getElementById(`${tab}_gallery`);
    requestProgress(id, container, gallery, () => {
        showSubmitButtons(tab, true);
        localRemove(`${tab}_task_id`);
        showRestoreProgressButton(tab, false);
    }, ...more);
}

function submit_tab(tab, args) {
    const id = randomId();
    showSubmitButtons(tab, false);
    localSet(`${tab}_task_id`, id);
    followTask(tab, id);
    return [id, ...create_submit_args(args).slice(1)];
}

function submit(...args) {
    return submit_tab('txt2img', args);
}

function submit_img2img(...args) {
    const result = submit_tab('img2img', args);
    result[1] = get_tab_index('mode_img2img');
    return result;
}

function restore_progress(tab) {
    const id = localGet(`${tab}_task_id`);
    showRestoreProgressButton(tab, false);
    if (id) {
        showSubmitInterruptingPlaceholder(tab);
        followTask(tab, id, null, 0);
    }
    return id;
}

function restoreProgressTxt2img() {
    return restore_progress('txt2img');
}

function restoreProgressImg2img() {
    return restore_progress('img2img');
}

onUiLoaded(() => {
    for (const tab of ['txt2img', 'img2img']) {
        showRestoreProgressButton(tab, localGet(`${tab}_task_id`));
        gradioApp().getElementById(`${tab}_gallery`)?.addEventListener('click', () => {
            gradioApp().getElementById(`${tab}_generation_info_button`)?.click();
        });
    }
});

// ---- prompts and sizes ----

// There is no token counter to bring up to date; pasting calls these all the same.
function recalculate_prompts_txt2img(...args) {
    return args;
}

function recalculate_prompts_img2img(...args) {
    return args;
}

function recalculate_prompts_inpaint(...args) {
    return args;
}

function confirm_clear_prompt(prompt, negative_prompt) {
    return confirm('Delete prompt?') ? ['', ''] : [prompt, negative_prompt];
}

function setRandomSeed(id) {
    const input = gradioApp().querySelector(`#${id} input`);
    if (input) {
        input.value = '-1';
        updateInput(input);
    }
    return [];
}

function switchWidthHeight(tab) {
    const [width, height] = ['width', 'height'].map(
        (name) => gradioApp().querySelector(`#${tab}_${name} input[type=number]`));
    [width.value, height.value] = [height.value, width.value];
    updateInput(width);
    updateInput(height);
    return [];
}

// ---- the rest ----

/** Waits for the server to come back, then loads the page again. */
function restart_reload() {
    document.body.innerHTML = '<h1 class="reloading">Reloading...</h1>';
    const ping = () => fetch('./internal/ping')
        .then((response) => (response.ok ? location.reload() : Promise.reject(response)))
        .catch(() => setTimeout(ping, 500));
    setTimeout(ping, 2000);
    return [];
}

/** Shows an element in front of the page. */
function popupId(id) {
    gradioApp().getElementById(id)?.classList.add('global-popup');
}

function closePopup() {
    gradioApp().querySelectorAll('.global-popup').forEach((element) => {
        element.classList.remove('global-popup');
        element.style.display = 'none';
    });
}

onUiLoaded(() => {
    for (const {props} of window.gradio_config.components) {
        const element = props.webui_tooltip && gradioApp().getElementById(props.elem_id);
        if (element) element.title = props.webui_tooltip;
    }
});
