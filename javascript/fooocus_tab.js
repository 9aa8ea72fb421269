/* The Fooocus tab: following jobs, the selected picture, and moving between tabs. */
"use strict";

const fooocus = {
    /** The job that was asked for last, for which tests on this page wait, and the one whose progress is shown. */
    task: null,
    following: null,

    find: (selector) => gradioApp().querySelector(selector),

    /** Return a new element with some properties or attributes, and what is in it. */
    make(tag, properties = {}, ...children) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(properties)) {
            if (name in element) element[name] = value;
            else element.setAttribute(name, value);
        }
        element.append(...children);
        return element;
    },

    /** Write into one of the page's text boxes so that Gradio notices. */
    write(id, value) {
        const box = fooocus.find(`#${id} textarea, #${id} input`);
        if (!box || box.value === value) return;
        box.value = value;
        updateInput(box);
    },

    read(id) {
        const box = fooocus.find(`#${id} textarea, #${id} input`);
        return box ? box.value : "";
    },

    /** Click one of the page's buttons; nothing while the webui's "Reload UI" has emptied the page. */
    press(selector) {
        fooocus.find(selector)?.click();
    },

    /** Ask one of our routes, with GET or, if there is a body, POST; throws an Error that says what is wrong. */
    async ask(path, body) {
        const how = body === undefined ? {} : {
            method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify(body),
        };
        const response = await fetch(`fooocus/v1/${path}`, how);
        const answer = await response.json().catch(() => ({}));
        if (response.ok) return answer;
        throw new Error(fooocus.reasonIn(answer, response.status));
    },

    reasonIn(answer, status) {
        if (Array.isArray(answer.detail)) {
            return answer.detail.map((each) => `${each.loc.slice(1).join(".")}: ${each.msg}`).join("; ");
        }
        return answer.detail || answer.error || `The webui answered with status ${status}.`;
    },

    /** Show the host's progress bar and live preview of a job of this window that runs. */
    follow(task) {
        if (fooocus.following === task) return;
        fooocus.following = task;
        requestProgress(
            task,
            fooocus.find("#fooocus_gallery_container"),
            fooocus.find("#fooocus_gallery"),
            () => {
                if (fooocus.following === task) fooocus.following = null;
                fooocusQueue.soon();
            }
        );
    },

    selectedIndex() {
        const thumbnails = gradioApp().querySelectorAll("#fooocus_gallery .thumbnail-item.thumbnail-small");
        return Math.max(0, Array.from(thumbnails).findIndex((item) => item.classList.contains("selected")));
    },

    /** Let the buttons and the details below the gallery speak of the selected picture. */
    showSelected() {
        let texts = [];
        try {
            texts = JSON.parse(fooocus.read("fooocus_infotexts") || "[]");
        } catch (error) {
            return;
        }
        const text = texts[Math.min(fooocus.selectedIndex(), texts.length - 1)] || "";
        fooocus.write("fooocus_infotext", text);
        fooocusDetails.show(text);
        const page = fooocus.find("#fooocus_page");
        if (page) page.classList.toggle("fooocus-has-pictures", texts.length > 0);
    },

    /** Show the picture that is being made large, or in a corner beside the chosen one. */
    watch(large) {
        fooocus.find("#fooocus_page").classList.toggle("fooocus-chosen", !large);
        fooocus.labelPreview();
    },

    /** The host's live preview, small, is a button that makes it large again. */
    labelPreview() {
        const preview = fooocus.find("#fooocus_gallery .livePreview");
        if (!preview) return;
        const small = Boolean(fooocus.find(".fooocus-chosen.fooocus-has-pictures"));
        const said = {role: "button", tabindex: "0", "aria-label": "Watch the picture that is being made"};
        for (const [name, value] of Object.entries(said)) {
            if (small) preview.setAttribute(name, value);
            else preview.removeAttribute(name);
        }
    },

    choose(event) {
        const isClick = event.type === "click";
        const preview = event.target.closest(".livePreview");
        if (preview?.getAttribute("role")) {
            event.stopPropagation(); // the host shows a picture that is clicked over all of the page
            if (isClick || event.key === "Enter" || event.key === " ") fooocus.watch(true);
        } else if (event.target.closest(".thumbnail-item") && isClick || event.key?.startsWith("Arrow")) {
            fooocus.watch(false);
        }
    },

    tabButton() {
        const buttons = gradioApp().querySelectorAll("#tabs > .tab-nav > button");
        return Array.from(buttons).find((button) => button.textContent.trim() === "Fooocus");
    },

    /** Do something as soon as Gradio hears clicks: from when it has brought the host's settings. */
    whenHeard(act) {
        const start = setInterval(() => {
            if (typeof opts === "undefined" || !Object.keys(opts).length) return;
            clearInterval(start);
            act();
        }, 50);
    },

    isShown() {
        const page = fooocus.find("#fooocus_page");
        return Boolean(page && page.offsetParent);
    },
};

/**
 * Let a job wait its turn; the message below the prompt goes. The server is not asked by Gradio, which would drop a
 * click that comes while one is on its way.
 */
function fooocusSubmit(action, given) {
    const [forever, ...values] = given;
    if (!fooocusQueue.openJobs().length) fooocus.watch(true);
    fooocus.task = `task(${fooocusQueue.randomName()})`;
    sessionStorage.setItem("fooocus_prompt", fooocus.read("fooocus_prompt"));
    const [job, index] = fooocusQueue.shown().pictures[fooocus.selectedIndex()] || [];
    const picture = action === "generate" || job === undefined ? null : {job, index};
    const contents = action === "generate" ? fooocusInput.contents : undefined;
    fooocusQueue.add({job: fooocus.task, action, forever, picture, values}, contents);
    return [""];
}

function fooocusShow() {
    return [fooocusQueue.window(), fooocus.read("fooocus_shown")];
}

function fooocusToggleAdvanced(shown) {
    fooocus.find("#fooocus_page").classList.toggle("fooocus-advanced", shown);
    return [];
}

/** Called by the webui, as is the next one, by a name that it puts together with the tab's, behind "Send to" and a paste. */
function switch_to_fooocus() {
    const button = fooocus.tabButton();
    if (button) button.click();
    return Array.from(arguments);
}

function recalculate_prompts_fooocus() {
    return Array.from(arguments);
}

function fooocusPlaceTab() {
    const place = fooocus.find("#fooocus_place");
    const button = fooocus.tabButton();
    if (place && button && place.dataset.place === "first") {
        // Only the looks change: the host finds its own tabs by their place in the document. A rule and not a
        // style of the button itself, because Gradio makes a new button whenever another tab is chosen.
        const position = Array.from(button.parentNode.children).indexOf(button) + 1;
        const textContent = `#tabs > .tab-nav > button:nth-child(${position}) { order: -1; }`;
        document.head.append(fooocus.make("style", {textContent}));
        button.click();
    }
}

/** Look for models again where the page has been saying that there are none. */
function fooocusLookAgain() {
    const message = fooocus.find("#fooocus_first_run .prose");
    message.addEventListener("click", (event) => {
        if (event.target.matches(".fooocus-refresh")) fooocus.press("#fooocus_refresh");
    });
    if (!message.querySelector(".fooocus-refresh")) return;
    fooocus.whenHeard(() => fooocus.press("#fooocus_refresh"));
}

/** Do each step, whether or not the one before found its place on the page: Gradios differ. */
function fooocusEach(steps) {
    for (const step of steps) {
        try {
            step();
        } catch (error) {
            console.error("Fooocus:", error);
        }
    }
}

/** Whether Escape has something else to end: what lies over the page, an open list, a search that is typed. */
function fooocusEscapeIsTaken(event) {
    const isOver = (element) => element && getComputedStyle(element).display !== "none";
    const over = document.querySelectorAll("#lightboxModal, .global-popup");
    const open = gradioApp().querySelector("dialog[open], #fooocus_page ul.options");
    const search = event.target.closest?.("input[type=search]");
    return Boolean(document.fullscreenElement || open || search?.value || event.isComposing) || Array.from(over).some(isOver);
}

/** Escape stops this window's job; while none runs, it closes what "Advanced" opened. Called before anybody else hears of the key. */
function fooocusEscape(event) {
    if (event.key !== "Escape" || event.repeat || !fooocus.isShown() || fooocusEscapeIsTaken(event)) return;
    setTimeout(() => {
        if (event.defaultPrevented) return; // a part of the page, or the host, has made use of it
        if (fooocusQueue.running()) fooocusQueue.stop();
        else if (fooocus.find("#fooocus_page.fooocus-advanced")) fooocusCloseAdvanced();
    }, 0);
}

function fooocusCloseAdvanced() {
    const box = fooocus.find("#fooocus_advanced input");
    box.click();
    box.focus();
}

function fooocusFollowSelection() {
    const show = () => setTimeout(fooocus.showSelected, 100);
    const gallery = fooocus.find("#fooocus_gallery_container");
    for (const kind of ["click", "keyup"]) gallery.addEventListener(kind, show);
    for (const kind of ["click", "mousedown", "keydown"]) gallery.addEventListener(kind, fooocus.choose, true);
}

onUiLoaded(() => {
    if (!fooocus.find("#fooocus_page")) return;
    document.addEventListener("keydown", fooocusEscape, true);
    fooocusEach([fooocusFollowSelection, fooocusPlaceTab, fooocusLookAgain]);
});

onUiUpdate(() => {
    if (!fooocus.find("#fooocus_page")) return;
    fooocus.showSelected();
    fooocus.labelPreview();
});
