/* The Fooocus tab's widgets that the chosen performance overrules: dimmed, with what is used instead. */
"use strict";

const fooocusOverruled = {
    /** Say below a widget what is used instead of its value; null takes the words away. */
    mark(name, performance, instead) {
        const block = fooocus.find(`#fooocus_${name}`);
        if (!block) return;
        const id = `fooocus_${name}_overruled`;
        let note = document.getElementById(id);
        if (!note && instead !== null) {
            note = fooocus.make("p", {id, className: "fooocus-overruled-note"});
            block.append(note);
        }
        block.classList.toggle("fooocus-overruled", instead !== null);
        if (note) {
            note.hidden = instead === null;
            note.textContent = instead === null ? "" : `${performance} uses ${instead} instead.`;
        }
        for (const input of block.querySelectorAll("input")) {
            if (instead === null) input.removeAttribute("aria-describedby");
            else input.setAttribute("aria-describedby", id);
        }
    },

    show(performance) {
        const all = JSON.parse(fooocus.find("#fooocus_overruled").dataset.overruled);
        const now = all[performance] || {};
        for (const name of new Set(Object.values(all).flatMap(Object.keys))) {
            fooocusOverruled.mark(name, performance, now[name] ?? null);
        }
    },
};

/** Called by Gradio when the performance has changed, by hand or by a preset or picture. */
function fooocusShowOverruled(performance) {
    fooocusOverruled.show(performance);
    return [];
}

onUiLoaded(() => {
    const chosen = fooocus.find("#fooocus_performance input:checked");
    if (chosen) fooocusOverruled.show(chosen.value);
});
