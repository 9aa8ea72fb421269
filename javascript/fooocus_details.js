/* The Fooocus tab's "Settings of this picture": the selected picture's infotext as a table, to copy or reuse. */
"use strict";

/** Return a table of names and values. */
function fooocusTable(label, pairs) {
    const rows = pairs.map(([name, value]) => {
        const head = fooocus.make("th", {scope: "row", textContent: name});
        return fooocus.make("tr", {}, head, fooocus.make("td", {textContent: value}));
    });
    const body = fooocus.make("tbody", {}, ...rows);
    return fooocus.make("table", {className: "fooocus-table", "aria-label": label}, body);
}

const fooocusDetails = {
    ENTRY: /\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g,
    text: "",

    /** Return an infotext as pairs of a name and a value; it is divided as the webui divides it. */
    parse(text) {
        const lines = text.trim().split("\n");
        const last = lines[lines.length - 1];
        const found = Array.from(last.matchAll(fooocusDetails.ENTRY));
        if (found.length >= 3) lines.pop();
        const start = lines.findIndex((line) => line.startsWith("Negative prompt:"));
        const prompt = start === -1 ? lines : lines.slice(0, start);
        const negative = start === -1 ? [] : lines.slice(start);
        const pairs = [["Prompt", prompt.join("\n").trim()]];
        if (negative.length) pairs.push(["Negative prompt", negative.join("\n").slice("Negative prompt:".length).trim()]);
        for (const [, name, value] of found.length >= 3 ? found : []) pairs.push([name, fooocusDetails.unquoted(value)]);
        return pairs;
    },

    /** Return an infotext without one of the entries of its last line. */
    without(text, name) {
        const lines = text.split("\n");
        const last = lines.pop().replace(fooocusDetails.ENTRY, (whole, key) => (key === name ? "" : whole));
        return [...lines, last.replace(/^ |,\s*$/g, "")].join("\n");
    },

    unquoted(value) {
        if (!value.startsWith('"')) return value.trim();
        try {
            return JSON.parse(value);
        } catch (error) {
            return value;
        }
    },

    show(text) {
        const place = fooocus.find("#html_info_fooocus .prose");
        if (!place || (place.dataset.text === text && (place.querySelector("table") || !text))) return;
        place.dataset.text = fooocusDetails.text = text;
        place.replaceChildren(...(text ? [fooocusTable("Settings of this picture", fooocusDetails.parse(text))] : []));
        fooocusDetails.say("");
    },

    say(message) {
        fooocus.find("#fooocus_details_said").textContent = message;
    },

    async copy() {
        try {
            await navigator.clipboard.writeText(fooocusDetails.text);
            fooocusDetails.say("Copied.");
        } catch (error) {
            // Pages from other machines without https have no clipboard: select, so that Ctrl+C is left to do.
            const range = document.createRange();
            range.selectNodeContents(fooocus.find("#html_info_fooocus .prose"));
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            fooocusDetails.say("Selected: press Ctrl+C.");
        }
    },

    reuseSeed() {
        const seed = new Map(fooocusDetails.parse(fooocusDetails.text)).get("Seed");
        if (!seed) return;
        const random = fooocus.find("#fooocus_random_seed input");
        if (random.checked) random.click();
        fooocus.write("fooocus_seed", seed);
        fooocusDetails.say(`The next picture gets seed ${seed}.`);
    },

    reuseSettings() {
        fooocusApplyText(fooocusDetails.text);
    },
};

/**
 * Called by Gradio when another picture is selected. txt2img takes any strength of denoising, such as that of a
 * varied picture, for one of hires fix, and switches that on.
 */
function fooocusWithoutSecondPass(text) {
    return [fooocusDetails.without(text || "", "Denoising strength")];
}

onUiLoaded(() => {
    if (!fooocus.find("#fooocus_page")) return;
    const actions = {
        fooocus_copy_settings: fooocusDetails.copy,
        fooocus_reuse_seed: fooocusDetails.reuseSeed,
        fooocus_reuse_settings: fooocusDetails.reuseSettings,
    };
    for (const [id, act] of Object.entries(actions)) fooocus.find(`#${id}`).addEventListener("click", act);
});
