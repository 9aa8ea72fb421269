/* The Fooocus tab's settings: the list of styles, pasted settings. */
"use strict";

const fooocusStyles = {
    selected() {
        try {
            return JSON.parse(fooocus.read("fooocus_styles") || "[]");
        } catch (error) {
            return [];
        }
    },

    select(name, wanted) {
        const names = fooocusStyles.selected().filter((other) => other !== name);
        if (wanted) names.push(name);
        fooocus.write("fooocus_styles", JSON.stringify(names));
        fooocusStyles.show(names);
    },

    boxes: () => Array.from(gradioApp().querySelectorAll("#fooocus_style_list input[type=checkbox]")),

    /** Tick what is selected, and name it again above the list, in its order. */
    show(names) {
        const list = gradioApp().querySelector(".fooocus-styles-selected");
        if (!list) return;
        for (const box of fooocusStyles.boxes()) box.checked = names.includes(box.value);
        const focused = list.contains(document.activeElement);
        list.replaceChildren(
            ...names.map((name) => {
                const chip = fooocus.make("button", {
                    type: "button",
                    className: "fooocus-chip",
                    textContent: name,
                    title: "Click to remove",
                    "aria-label": `Remove the style ${name}`,
                });
                chip.addEventListener("click", () => fooocusStyles.select(name, false));
                return chip;
            })
        );
        if (focused) (list.querySelector("button") || gradioApp().querySelector("#fooocus_style_search")).focus();
    },

    /** Show what a style adds, whoever points at it: mouse, finger or keyboard. */
    explain(label) {
        const help = fooocus.find(".fooocus-style-help");
        const text = label && label.querySelector(".fooocus-style-text");
        if (!help || !text) return;
        const name = fooocus.make("b", {textContent: label.querySelector("input").value});
        help.replaceChildren(name, fooocus.make("span", {textContent: text.textContent}));
        help.hidden = false;
    },

    search(text) {
        const words = text.toLowerCase().split(/\s+/).filter(Boolean);
        let matches = 0;
        for (const group of gradioApp().querySelectorAll(".fooocus-styles-group")) {
            const title = group.querySelector("legend").textContent.toLowerCase();
            let shown = 0;
            for (const label of group.querySelectorAll("label")) {
                const name = `${label.querySelector("input").value} ${title}`.toLowerCase();
                label.hidden = !words.every((word) => name.includes(word));
                shown += label.hidden ? 0 : 1;
            }
            group.hidden = shown === 0;
            matches += shown;
        }
        const none = gradioApp().querySelector(".fooocus-styles-none");
        if (none) none.hidden = matches > 0;
    },
};

function fooocusShowStyles() {
    setTimeout(() => fooocusStyles.show(fooocusStyles.selected()), 0);
    return [];
}

function fooocusShowSeed(random) {
    const row = gradioApp().querySelector("#fooocus_seed_row");
    if (row) row.classList.toggle("fooocus-random", random);
    return [];
}

/** Whether a text holds settings rather than a prompt: a JSON object, or an infotext. */
function fooocusHoldsSettings(text) {
    const trimmed = text.trim();
    if (/^[\s\S]*\b(Steps: \d+, Sampler: |Fooocus edit: "\{)/.test(trimmed)) return true;
    if (!trimmed.startsWith("{")) return false;
    try {
        return typeof JSON.parse(trimmed) === "object";
    } catch (error) {
        return false;
    }
}

/** Fill the page from settings in a text; the server reads them. */
function fooocusApplyText(text) {
    fooocus.write("fooocus_pasted", text);
    setTimeout(() => fooocus.press("#fooocus_apply_pasted"), 50);
}

function fooocusPaste(event) {
    const data = event.clipboardData;
    const text = data.getData("text");
    const file = Array.from(data.files).find(fooocusDropped.isPicture);
    // Office programs add a picture of the text that is copied; file managers add the name of the file that is.
    const isAboutText = text.trim() && !fooocusHoldsSettings(text) && !text.trim().endsWith(file?.name);
    const picture = isAboutText ? null : file;
    if (!picture && !fooocusHoldsSettings(text)) return;
    event.preventDefault();
    event.stopPropagation();
    if (picture) {
        fooocusDropped.open(picture);
    } else {
        fooocusApplyText(text);
    }
}

function fooocusListenToStyles() {
    const search = fooocus.find("#fooocus_style_search");
    search.addEventListener("input", () => fooocusStyles.search(search.value));
    fooocus.find("#fooocus_style_list").addEventListener("change", (event) => {
        if (event.target.matches("input[type=checkbox]")) {
            fooocusStyles.select(event.target.value, event.target.checked);
        }
    });
    for (const kind of ["pointerover", "focusin"]) {
        fooocus.find("#fooocus_style_list").addEventListener(kind, (event) => {
            fooocusStyles.explain(event.target.closest("label"));
        });
    }
}

onUiLoaded(() => {
    if (!fooocus.find("#fooocus_page")) return;
    fooocusEach([
        fooocusShowStyles,
        fooocusListenToStyles,
        () => fooocus.find("#fooocus_prompt").addEventListener("paste", fooocusPaste, true),
        () => fooocusShowSeed(fooocus.find("#fooocus_random_seed input").checked),
    ]);
});
