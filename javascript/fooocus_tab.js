/* The Fooocus tab: following jobs, the selected picture, and moving between tabs. */
"use strict";

const fooocus = {
    task: null,
    running: false,
    leaving: false,

    find: (selector) => gradioApp().querySelector(selector),

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

    showRunning(running) {
        fooocus.running = running;
        const shown = {generate: !running, skip: running, interrupt: running};
        for (const [name, visible] of Object.entries(shown)) {
            const button = fooocus.find(`#fooocus_${name}`);
            if (button) button.style.display = visible ? "block" : "none";
        }
        const page = fooocus.find("#fooocus_page");
        if (page) {
            page.classList.toggle("fooocus-running", running);
            page.setAttribute("aria-busy", String(running));
        }
    },

    /** Follow a job until its end, with the host's progress bar and live preview. */
    follow(task, atEnd, patience) {
        fooocus.task = task;
        sessionStorage.setItem("fooocus_task", task);
        fooocus.showRunning(true);
        requestProgress(
            task,
            fooocus.find("#fooocus_gallery_container"),
            fooocus.find("#fooocus_gallery"),
            () => {
                if (fooocus.leaving) return; // a page that is left has its requests cut off
                fooocus.showRunning(false);
                sessionStorage.removeItem("fooocus_task");
                atEnd();
            },
            null,
            patience
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

    tabButton() {
        const buttons = gradioApp().querySelectorAll("#tabs > .tab-nav > button");
        return Array.from(buttons).find((button) => button.textContent.trim() === "Fooocus");
    },

    isShown() {
        const page = fooocus.find("#fooocus_page");
        return Boolean(page && page.offsetParent);
    },
};

function fooocusSubmit(action, given) {
    const task = randomId();
    const isVariation = action !== "generate";
    const gallery = given[2] || [];
    sessionStorage.setItem("fooocus_prompt", fooocus.read("fooocus_prompt"));
    fooocus.follow(task, () => {}, undefined);
    const selected = isVariation ? gallery.slice(fooocus.selectedIndex()).slice(0, 1) : null;
    return [task, action, selected, ...given.slice(3)];
}

function fooocusRunningTask() {
    return [fooocus.task];
}

function fooocusToggleAdvanced(shown) {
    fooocus.find("#fooocus_page").classList.toggle("fooocus-advanced", shown);
    return [];
}

function switch_to_fooocus() {
    const button = fooocus.tabButton();
    if (button) button.click();
    return Array.from(arguments);
}

function recalculate_prompts_fooocus() {
    return Array.from(arguments);
}

/** Find the job again that ran when the page was reloaded. */
function fooocusResume() {
    const task = sessionStorage.getItem("fooocus_task");
    if (!task) return;
    switch_to_fooocus();
    fooocus.write("fooocus_prompt", sessionStorage.getItem("fooocus_prompt") || "");
    fooocus.follow(task, () => fooocus.find("#fooocus_restore").click(), 5);
}

function fooocusPlaceTab() {
    const place = fooocus.find("#fooocus_place");
    const button = fooocus.tabButton();
    if (place && button && place.dataset.place === "first") {
        // Only the looks change: the host finds its own tabs by their place in the document. A rule and not a
        // style of the button itself, because Gradio makes a new button whenever another tab is chosen.
        const position = Array.from(button.parentNode.children).indexOf(button) + 1;
        const rule = document.createElement("style");
        rule.textContent = `#tabs > .tab-nav > button:nth-child(${position}) { order: -1; }`;
        document.head.append(rule);
        button.click();
    }
}

/** Look for models again where the page has been saying that there are none. */
function fooocusLookAgain() {
    const message = fooocus.find("#fooocus_first_run .prose");
    message.addEventListener("click", (event) => {
        if (event.target.matches(".fooocus-refresh")) fooocus.find("#fooocus_refresh").click();
    });
    if (message.querySelector(".fooocus-refresh")) fooocus.find("#fooocus_refresh").click();
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

function fooocusEscape(event) {
    const advanced = fooocus.find("#fooocus_advanced input");
    const open = fooocus.find("#fooocus_page.fooocus-advanced");
    const list = gradioApp().querySelector("#fooocus_side ul.options");
    const modal = document.querySelector("#lightboxModal");
    const covered = modal && getComputedStyle(modal).display !== "none";
    if (event.key !== "Escape" || fooocus.running || !open || list || covered || !fooocus.isShown()) return;
    advanced.click();
    advanced.focus();
}

function fooocusFollowSelection() {
    const show = () => setTimeout(fooocus.showSelected, 100);
    for (const kind of ["click", "keyup"]) fooocus.find("#fooocus_gallery_container").addEventListener(kind, show);
}

onUiLoaded(() => {
    if (!fooocus.find("#fooocus_page")) return;
    document.addEventListener("keydown", fooocusEscape);
    window.addEventListener("beforeunload", () => { fooocus.leaving = true; });
    window.addEventListener("pageshow", () => { fooocus.leaving = false; });
    fooocusEach([
        () => fooocus.showRunning(false),
        fooocusFollowSelection,
        fooocusPlaceTab,
        fooocusResume,
        fooocusLookAgain,
    ]);
});

onUiUpdate(() => {
    if (fooocus.find("#fooocus_page")) fooocus.showSelected();
});
