/* The mask editor on the page: its buttons, keys and files. Drawing is in fooocus_mask*.js beside this. */
"use strict";

const fooocusMaskEditor = {
    view: null,
    tools: null,

    find: (selector) => gradioApp().querySelector(`#fooocus_mask ${selector}`),

    /** Let the user draw over a picture (an ImageBitmap or canvas). The mask of one of the same size is kept if asked for. */
    open(picture, keepsMask = false) {
        const before = fooocusMaskEditor.view.mask;
        const fits = before && before.width === picture.width && before.height === picture.height;
        const mask = keepsMask && fits ? before : new FooocusMask(picture.width, picture.height);
        fooocusMaskEditor.tools.cancel();
        fooocusMaskEditor.view.show(picture, mask);
        const longest = Math.max(picture.width, picture.height);
        const slider = fooocusMaskEditor.find("#fooocus_mask_size");
        slider.max = Math.max(64, Math.round(longest / 3));
        fooocusMaskEditor.resize(Math.max(8, Math.round(longest / 16)));
        fooocusMaskEditor.changed();
    },

    close() {
        fooocusMaskEditor.tools.cancel();
        fooocusMaskEditor.view.picture = fooocusMaskEditor.view.mask = null;
    },

    isEmpty: () => !fooocusMaskEditor.view.mask || fooocusMaskEditor.view.mask.share() === 0,

    /** Return the mask as a PNG file: white is to be made anew. */
    toBlob: () => fooocusMaskEditor.view.mask.toBlob(),

    resize(size) {
        const slider = fooocusMaskEditor.find("#fooocus_mask_size");
        slider.value = Math.round(size);
        fooocusMaskEditor.tools.size = Number(slider.value);
        slider.nextElementSibling.value = slider.value;
        fooocusMaskEditor.view.redrawMask();
    },

    dim(percent) {
        fooocusMaskEditor.view.above.style.opacity = percent / 100;
        fooocusMaskEditor.find("#fooocus_mask_opacity").nextElementSibling.value = `${percent} %`;
    },

    choose(tool) {
        fooocusMaskEditor.tools.choose(tool);
        fooocusMaskEditor.view.stage.dataset.tool = tool;
        for (const button of gradioApp().querySelectorAll("#fooocus_mask [data-tool]")) {
            if (button.tagName === "BUTTON") button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
        }
    },

    changed() {
        const {mask} = fooocusMaskEditor.view;
        fooocusMaskEditor.view.redrawMask("all");
        const able = {undo: mask.past.length, redo: mask.future.length};
        for (const [name, steps] of Object.entries(able)) {
            fooocusMaskEditor.find(`[data-act=${name}]`).setAttribute("aria-disabled", String(!steps));
        }
        const percent = 100 * mask.share();
        const shown = percent > 0 && percent < 1 ? "less than 1" : Math.round(percent);
        fooocusMaskEditor.say(percent ? `${shown} % of the picture is marked.` : "Nothing is marked: draw over what is to be made anew.");
    },

    say(text) {
        fooocusMaskEditor.find("#fooocus_mask_said").textContent = text;
    },

    acts: {
        undo: (mask) => mask.undo(),
        redo: (mask) => mask.redo(),
        invert: (mask) => mask.invert() ?? true,
        clear: (mask) => mask.share() > 0 && (mask.clear() ?? true),
        smaller: () => fooocusMaskEditor.view.zoom(1 / 1.5),
        larger: () => fooocusMaskEditor.view.zoom(1.5),
        fit: () => fooocusMaskEditor.view.fit(),
        load: () => fooocusMaskEditor.find("#fooocus_mask_file").click(),
        save: () => fooocusMaskEditor.save(),
        screen: () => fooocusMaskEditor.fullScreen(),
    },

    act(name) {
        const {mask} = fooocusMaskEditor.view;
        if (!mask) return;
        fooocusMaskEditor.tools.cancel();
        if (fooocusMaskEditor.acts[name](mask) === true) fooocusMaskEditor.changed();
    },

    fullScreen() {
        if (document.fullscreenElement) document.exitFullscreen();
        else fooocusMaskEditor.find("").requestFullscreen?.().catch((error) => fooocusMaskEditor.say(error.message));
    },

    async save() {
        const href = URL.createObjectURL(await fooocusMaskEditor.toBlob());
        const link = fooocus.make("a", {href, download: "mask.png"});
        link.click();
        setTimeout(() => URL.revokeObjectURL(href), 10_000);
    },

    async load(file) {
        const {mask} = fooocusMaskEditor.view;
        try {
            const picture = await createImageBitmap(file);
            mask.add(picture, picture.width, picture.height);
            fooocusMaskEditor.changed();
        } catch (error) {
            fooocusMaskEditor.say(`${file.name} cannot be read as a picture.`);
        }
    },

    KEYS: {
        b: ["choose", "brush"],
        e: ["choose", "eraser"],
        l: ["choose", "lasso"],
        r: ["choose", "rectangle"],
        h: ["choose", "hand"],
        i: ["act", "invert"],
        f: ["act", "screen"],
        delete: ["act", "clear"],
        0: ["act", "fit"],
        "+": ["act", "larger"],
        "=": ["act", "larger"],
        "-": ["act", "smaller"],
        "[": ["scale", 1 / 1.25],
        "]": ["scale", 1.25],
        arrowleft: ["step", [-1, 0]],
        arrowright: ["step", [1, 0]],
        arrowup: ["step", [0, -1]],
        arrowdown: ["step", [0, 1]],
        " ": ["press"],
        escape: ["give up"],
    },

    /** Return what a key does: a name, and what it does that with. */
    meaning(event) {
        const key = event.key.toLowerCase();
        if (event.ctrlKey || event.metaKey) {
            if (key === "z") return ["act", event.shiftKey ? "redo" : "undo"];
            return key === "y" ? ["act", "redo"] : null;
        }
        return event.altKey ? null : fooocusMaskEditor.KEYS[key];
    },

    press(event) {
        const [name, given] = fooocusMaskEditor.meaning(event) ?? [];
        if (!name || !fooocusMaskEditor.view.mask) return;
        const {tools, view} = fooocusMaskEditor;
        if (name === "give up" && !tools.cancel()) return; // Escape has other meanings on this page
        event.preventDefault();
        event.stopPropagation();
        if (name === "choose" || name === "act") fooocusMaskEditor[name](given);
        if (name === "scale") fooocusMaskEditor.resize(Math.max(1, tools.size * given + (given > 1 ? 0.5 : -0.5)));
        if (name === "press") {
            const draws = tools.press();
            if (draws) fooocusMaskEditor.say("Drawing: Space ends it.");
        }
        if (name !== "step") return;
        const pixels = event.shiftKey ? 1 : 16;
        if (tools.tool === "hand") {
            view.moveBy(-given[0] * pixels, -given[1] * pixels);
            return;
        }
        tools.step(...given, pixels);
    },

    wheel(event) {
        const {stage} = fooocusMaskEditor.view;
        const isMeant = event.ctrlKey || event.metaKey || document.activeElement === stage || document.fullscreenElement;
        if (!fooocusMaskEditor.view.mask || !isMeant) return; // the page scrolls
        event.preventDefault();
        const {x, y} = fooocusMaskEditor.tools.onStage(event);
        fooocusMaskEditor.view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), x, y);
    },

    listen(section) {
        section.addEventListener("click", (event) => {
            const button = event.target.closest("button");
            if (button?.dataset.tool) fooocusMaskEditor.choose(button.dataset.tool);
            if (button?.dataset.act && button.getAttribute("aria-disabled") !== "true") fooocusMaskEditor.act(button.dataset.act);
        });
        const {stage} = fooocusMaskEditor.view;
        stage.addEventListener("keydown", fooocusMaskEditor.press);
        stage.addEventListener("wheel", fooocusMaskEditor.wheel, {passive: false});
        const sliders = {size: fooocusMaskEditor.resize, opacity: fooocusMaskEditor.dim};
        for (const [name, set] of Object.entries(sliders)) {
            const slider = fooocusMaskEditor.find(`#fooocus_mask_${name}`);
            slider.addEventListener("input", () => set(Number(slider.value)));
        }
        fooocusMaskEditor.find("#fooocus_mask_file").addEventListener("change", (event) => {
            const [file] = event.target.files;
            event.target.value = "";
            if (file) fooocusMaskEditor.load(file);
        });
        fooocusMaskEditor.find("[data-act=screen]").hidden = !section.requestFullscreen;
    },

    build() {
        const section = fooocusMaskEditor.find("");
        if (!section) return;
        fooocusMaskEditor.view = new FooocusMaskView(fooocusMaskEditor.find("#fooocus_mask_stage"));
        fooocusMaskEditor.tools = new FooocusMaskTools(fooocusMaskEditor.view, fooocusMaskEditor.changed);
        fooocusMaskEditor.listen(section);
        fooocusMaskEditor.choose("brush");
        fooocusMaskEditor.dim(55);
    },
};

onUiLoaded(fooocusMaskEditor.build);
