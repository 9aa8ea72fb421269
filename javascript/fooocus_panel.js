/* The styles dropdown of the txt2img and img2img panels: groups, and each style's two texts on hover. */
"use strict";

(() => {
    /** Return a Map from a style's name to its group and help, as the Fooocus tab's list shows them. */
    function knownStyles() {
        const known = new Map();
        for (const group of gradioApp().querySelectorAll("#fooocus_style_list .fooocus-styles-group")) {
            const title = group.querySelector("legend");
            for (const label of group.querySelectorAll("label")) {
                const name = label.querySelector("input").value;
                const help = label.querySelector(".fooocus-style-text").textContent;
                known.set(name, { group: title ? title.textContent.trim() : "", help });
            }
        }
        return known;
    }

    /** Give the options that a dropdown shows at the moment their hover texts and group headings. */
    function describeOptions(dropdown) {
        const known = knownStyles();
        let group = null;
        for (const option of dropdown.querySelectorAll("ul.options li")) {
            const style = known.get(option.dataset.value ?? option.getAttribute("aria-label") ?? option.textContent.trim());
            const heading = style && style.group !== group ? style.group : "";
            group = style ? style.group : group;
            if (style && option.title !== style.help) option.title = style.help;
            if ((option.dataset.fooocusGroup || "") !== heading) option.dataset.fooocusGroup = heading;
        }
    }

    onUiLoaded(() => {
        for (const tab of ["txt2img", "img2img"]) {
            const dropdown = gradioApp().querySelector(`#script_${tab}_fooocus_styles`);
            if (!dropdown) continue;
            new MutationObserver(() => describeOptions(dropdown)).observe(dropdown, { childList: true, subtree: true });
        }
    });
})();
