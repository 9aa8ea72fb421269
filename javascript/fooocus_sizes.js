/* The Fooocus tab's picture sizes: their shapes, and the size that the next picture really gets. */
"use strict";

const fooocusSizes = {
    forced: [-1, -1],

    tiles: () => Array.from(gradioApp().querySelectorAll("#fooocus_aspect_ratio label[data-shape]")),

    /** Give each tile a little frame of its shape, and its numbers two lines. */
    draw() {
        for (const label of gradioApp().querySelectorAll("#fooocus_aspect_ratio label:not([data-shape])")) {
            const size = /(\d+)\D(\d+)\D+(\d+:\d+)/.exec(label.textContent);
            const text = label.querySelector("span");
            if (!size || !text) continue;
            const [width, height] = [Number(size[1]), Number(size[2])];
            label.dataset.width = width;
            label.dataset.height = height;
            label.dataset.shape = fooocusSizes.shapeOf(width, height);
            const frame = fooocus.make("i", {className: "fooocus-frame"});
            for (const [name, length] of Object.entries({width, height})) {
                frame.style[name] = `${((20 * length) / Math.max(width, height)).toFixed(1)}px`;
            }
            text.replaceChildren(`${width}×${height} `, fooocus.make("small", {textContent: size[3]}));
            label.prepend(frame);
        }
    },

    chosen: () => fooocusSizes.tiles().find((tile) => tile.classList.contains("selected")),

    /** Return the width and height that the next picture gets; the server decides by the same rule. */
    inEffect() {
        const tile = fooocusSizes.chosen();
        const shown = tile ? [Number(tile.dataset.width), Number(tile.dataset.height)] : [0, 0];
        return fooocusSizes.forced.map((side, index) => (side === -1 ? shown[index] : side));
    },

    show() {
        const block = fooocus.find("#fooocus_aspect_ratio");
        const line = fooocus.find("#fooocus_size");
        const tile = block && fooocusSizes.chosen();
        if (!line || !tile) return;
        const isForced = fooocusSizes.forced.some((side) => side !== -1);
        const [width, height] = fooocusSizes.inEffect();
        const size = fooocus.make("b", {textContent: `${width} × ${height} pixels`});
        const note = isForced ? [", forced under Advanced, Overrides. Choose a size here to end that."] : [];
        line.replaceChildren(size, ...note);
        block.classList.toggle("fooocus-forced", isForced);
        // Not only by its looks: a screen reader says "checked" of the one that counts, or of none.
        for (const other of fooocusSizes.tiles()) other.querySelector("input").checked = !isForced && other === tile;
        fooocusSizes.showShape(isForced ? fooocusSizes.shapeOf(width, height) : tile.dataset.shape, isForced);
    },

    shapeOf: (width, height) => (width === height ? "square" : width > height ? "landscape" : "portrait"),

    showShape(shape, isForced) {
        for (const tile of fooocusSizes.tiles()) {
            tile.hidden = tile.dataset.shape !== shape;
        }
        for (const button of gradioApp().querySelectorAll(".fooocus-shapes button")) {
            button.setAttribute("aria-pressed", String(!isForced && button.dataset.shape === shape));
        }
    },

    /** Choose the size of a shape that is nearest to the present one, turned if need be. */
    choose(shape) {
        const [width, height] = fooocusSizes.inEffect();
        const length = Math.abs(Math.log(width / height)) || Math.log(9 / 7);
        const wanted = { portrait: -length, square: 0, landscape: length }[shape];
        const distance = (tile) => Math.abs(Math.log(tile.dataset.width / tile.dataset.height) - wanted);
        const tiles = fooocusSizes.tiles().filter((tile) => tile.dataset.shape === shape);
        const nearest = tiles.sort((one, other) => distance(one) - distance(other))[0];
        if (nearest) nearest.querySelector("input").click();
    },

    endForcing() {
        fooocus.write("fooocus_width", "-1");
        fooocus.write("fooocus_height", "-1");
    },
};

/** Called by Gradio when one of the three values has changed, by hand or by a preset or picture. */
function fooocusShowSize(_chosen, width, height) {
    fooocusSizes.forced = [width, height].map((side) => side ?? -1);
    setTimeout(fooocusSizes.show, 0);
    return [];
}

onUiLoaded(() => {
    const block = fooocus.find("#fooocus_aspect_ratio");
    if (!block) return;
    fooocusSizes.forced = ["width", "height"].map((side) => Number(fooocus.read(`fooocus_${side}`) || -1));
    fooocusSizes.draw();
    fooocusSizes.show();
    block.addEventListener("click", (event) => {
        if (event.target.closest("label")) fooocusSizes.endForcing();
    });
    fooocus.find(".fooocus-shapes").addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) fooocusSizes.choose(button.dataset.shape);
    });
});
