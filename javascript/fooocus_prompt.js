/* The Fooocus tab's prompt: its count of tokens, and names of wildcards while they are typed. */
"use strict";

const fooocusPrompt = {
    COUNT_AFTER: 400, // milliseconds without another key
    MOST_NAMES: 12,
    timer: null,
    names: null,
    active: -1,

    box: () => fooocus.find("#fooocus_prompt textarea"),
    list: () => document.getElementById("fooocus_wildcard_list"),

    countSoon() {
        clearTimeout(fooocusPrompt.timer);
        fooocusPrompt.timer = setTimeout(() => fooocus.press("#fooocus_count_tokens"), fooocusPrompt.COUNT_AFTER);
    },

    /** Return the part of a wildcard's name in front of the caret, null where none is being typed. */
    typedName() {
        const box = fooocusPrompt.box();
        if (box.selectionStart !== box.selectionEnd) return null;
        const before = box.value.slice(Math.max(0, box.selectionStart - 100), box.selectionStart);
        const texts = before.split("__");
        const name = texts.pop();
        // Each "__" opens a name, unless it closes the one before it.
        const isOpen = texts.reduce((open, text) => !(open && /^[\w\-./]+$/.test(text)), false);
        return isOpen && /^[\w\-./]*$/.test(name) ? name : null;
    },

    /** Return the names that the server has listed; asks for them when they are needed first. */
    known() {
        const text = fooocus.read("fooocus_wildcards");
        if (text) return JSON.parse(text);
        if (fooocusPrompt.names === null) {
            fooocusPrompt.names = "asked";
            fooocus.press("#fooocus_list_wildcards");
            const wait = setInterval(() => {
                if (!fooocus.read("fooocus_wildcards")) return;
                clearInterval(wait);
                fooocusPrompt.suggest();
            }, 100);
            setTimeout(() => clearInterval(wait), 5000);
        }
        return [];
    },

    suggest() {
        const typed = fooocusPrompt.typedName();
        if (typed === null) return fooocusPrompt.close();
        const wanted = typed.toLowerCase();
        const rank = (name) => (name.toLowerCase().startsWith(wanted) ? 0 : 1);
        const matches = fooocusPrompt.known().filter((name) => name.toLowerCase().includes(wanted));
        matches.sort((one, other) => rank(one) - rank(other));
        const list = fooocusPrompt.list();
        list.replaceChildren(...matches.slice(0, fooocusPrompt.MOST_NAMES).map(fooocusPrompt.option));
        list.hidden = matches.length === 0;
        fooocusPrompt.activate(matches.length ? 0 : -1);
        return undefined;
    },

    option(name, index) {
        const textContent = `__${name}__`; // a word by itself the webui would translate
        const item = fooocus.make("li", {id: `fooocus_wildcard_${index}`, role: "option", "data-name": name, textContent});
        // Not "click": the prompt keeps the focus, and with it the caret.
        item.addEventListener("pointerdown", (event) => {
            event.preventDefault();
            fooocusPrompt.take(name);
        });
        return item;
    },

    activate(index) {
        fooocusPrompt.active = index;
        const items = Array.from(fooocusPrompt.list().children);
        items.forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
        const box = fooocusPrompt.box();
        if (items[index]) {
            box.setAttribute("aria-activedescendant", items[index].id);
            items[index].scrollIntoView({ block: "nearest" });
        } else {
            box.removeAttribute("aria-activedescendant");
        }
    },

    close() {
        fooocusPrompt.list().hidden = true;
        fooocusPrompt.activate(-1);
    },

    take(name) {
        const box = fooocusPrompt.box();
        const typed = fooocusPrompt.typedName();
        if (typed === null) return;
        const start = box.selectionStart - typed.length;
        const closed = box.value.startsWith("__", box.selectionStart) ? 2 : 0;
        box.setRangeText(`${name}__`, start, box.selectionStart + closed, "end");
        updateInput(box);
        fooocusPrompt.close();
    },

    /** Keys belong to the list while it is open, and to the page otherwise. */
    key(event) {
        const list = fooocusPrompt.list();
        if (list.hidden || event.ctrlKey || event.altKey || event.metaKey) return;
        const count = list.children.length;
        const moves = { ArrowDown: 1, ArrowUp: -1 };
        if (event.key in moves) {
            fooocusPrompt.activate((fooocusPrompt.active + moves[event.key] + count) % count);
        } else if (event.key === "Enter" || event.key === "Tab") {
            fooocusPrompt.take(list.children[fooocusPrompt.active].dataset.name);
        } else if (event.key === "Escape") {
            fooocusPrompt.close();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    },

    build() {
        const box = fooocusPrompt.box();
        const list = fooocus.make("ul", {
            id: "fooocus_wildcard_list",
            role: "listbox",
            "aria-label": "Wildcards",
            hidden: true,
        });
        fooocus.find("#fooocus_prompt").append(list);
        box.setAttribute("aria-controls", list.id);
        box.setAttribute("aria-autocomplete", "list");
        box.addEventListener("input", fooocusPrompt.suggest);
        box.addEventListener("keydown", fooocusPrompt.key, true);
        box.addEventListener("blur", fooocusPrompt.close);
        fooocus.find("#fooocus_refresh").addEventListener("click", () => {
            fooocusPrompt.names = null;
            fooocus.write("fooocus_wildcards", "");
        });
    },
};

/** Called by Gradio when the prompt, its styles or what is shown have changed, by hand or not. */
function fooocusCountSoon() {
    fooocusPrompt.countSoon();
    return [];
}

onUiLoaded(() => {
    if (fooocus.find("#fooocus_page")) fooocusPrompt.build();
});
