// The page's foundation; doubles the host's script.js: finding elements, and telling others of changes.

/** The root that gradio's elements live in; it can look up ids like a document. */
function gradioApp() {
    const app = document.querySelector('gradio-app');
    if (!app) return document;
    if (app.shadowRoot) return app.shadowRoot;
    app.getElementById = (id) => document.getElementById(id);
    return app;
}

/** The button of the tab that is open. */
function get_uiCurrentTab() {
    return gradioApp().querySelector('#tabs > .tab-nav > button.selected');
}

/** What is inside the tab that is open. */
function get_uiCurrentTabContent() {
    return gradioApp().querySelector('#tabs > .tabitem[id^=tab_]:not([style*="display: none"])');
}

var uiUpdateCallbacks = [];
var uiAfterUpdateCallbacks = [];
var uiLoadedCallbacks = [];
var optionsChangedCallbacks = [];
var uiAfterUpdateTimeout = null;
var executedOnLoaded = false;

/** Calls back at every change of the page, with its MutationRecords. */
function onUiUpdate(callback) {
    uiUpdateCallbacks.push(callback);
}

/** Calls back when the page has not changed for a fifth of a second. */
function onAfterUiUpdate(callback) {
    uiAfterUpdateCallbacks.push(callback);
}

/** Calls back once, when the page is there. */
function onUiLoaded(callback) {
    uiLoadedCallbacks.push(callback);
}

/** Calls back when an option was changed. */
function onOptionsChanged(callback) {
    optionsChangedCallbacks.push(callback);
}

/** Calls all; one that throws does not keep the others from being called. */
function executeCallbacks(queue, argument) {
    queue.forEach((callback) => {
        try {
            callback(argument);
        } catch (error) {
            console.error('a callback failed', callback, error);
        }
    });
}

function scheduleAfterUiUpdateCallbacks() {
    clearTimeout(uiAfterUpdateTimeout);
    uiAfterUpdateTimeout = setTimeout(() => executeCallbacks(uiAfterUpdateCallbacks), 200);
}

function announceUiChange(mutations) {
    if (!executedOnLoaded && gradioApp().querySelector('#txt2img_prompt')) {
        executedOnLoaded = true;
        executeCallbacks(uiLoadedCallbacks);
    }
    executeCallbacks(uiUpdateCallbacks, mutations);
    scheduleAfterUiUpdateCallbacks();
}

document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver(announceUiChange).observe(gradioApp(), {childList: true, subtree: true});
});

/** Clicks Generate again as soon as the generation that is being interrupted has ended. */
function generateAfterInterrupt(interrupt, generate) {
    interrupt.click();
    const observer = new MutationObserver(() => {
        if (interrupt.style.display === 'none') {
            observer.disconnect();
            generate.click();
        }
    });
    observer.observe(interrupt, {attributes: true, attributeFilter: ['style']});
}

document.addEventListener('keydown', (event) => {
    const button = (name) => get_uiCurrentTabContent()?.querySelector(`button[id$=_${name}]`);
    const interrupt = button('interrupt');
    const running = interrupt?.style.display === 'block';
    const isEnter = event.key === 'Enter';
    if (isEnter && (event.ctrlKey || event.metaKey)) {
        if (running) generateAfterInterrupt(interrupt, button('generate'));
        else button('generate')?.click();
    } else if (isEnter && event.altKey) {
        button('skip')?.click();
    } else if (event.key === 'Escape' && running) {
        interrupt.click();
    } else {
        return;
    }
    event.preventDefault();
});
