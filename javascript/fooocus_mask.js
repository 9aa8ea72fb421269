/*
 * A mask: which pixels of a picture are to be made anew, as tiles that each step of drawing copies before it changes them.
 * So undo costs as much memory as was drawn over, and what is empty or full costs none.
 */
"use strict";

class FooocusMask {
    static TILE = 512; // pixels on a side
    static MOST_TILES = 256; // kept for undo: 256 MiB at most
    static FULL = "full"; // a tile that is marked everywhere; null is one that is marked nowhere
    static COLOUR = "#e11d48"; // of what is marked, as it is shown; only its opacity counts

    constructor(width, height) {
        this.width = width;
        this.height = height;
        this.columns = Math.ceil(width / FooocusMask.TILE);
        this.tiles = Array(this.columns * Math.ceil(height / FooocusMask.TILE)).fill(null);
        this.marked = this.tiles.map(() => 0); // pixels of each tile
        this.step = null; // tiles before the step that is being drawn, by number
        this.past = [];
        this.future = [];
    }

    /** Return the rectangle of a tile, in pixels of the picture. */
    rectangle(number) {
        const x = (number % this.columns) * FooocusMask.TILE;
        const y = Math.floor(number / this.columns) * FooocusMask.TILE;
        return {
            x,
            y,
            width: Math.min(FooocusMask.TILE, this.width - x),
            height: Math.min(FooocusMask.TILE, this.height - y),
        };
    }

    /** Return the numbers of the tiles that an area touches. */
    touched(area) {
        const last = (length) => Math.floor((length - 1) / FooocusMask.TILE);
        const first = (start) => Math.max(0, Math.floor(start / FooocusMask.TILE));
        const numbers = [];
        for (let row = first(area.y); row <= Math.min(last(this.height), last(Math.ceil(area.y + area.height))); row++) {
            for (let column = first(area.x); column <= Math.min(last(this.width), last(Math.ceil(area.x + area.width))); column++) {
                numbers.push(row * this.columns + column);
            }
        }
        return numbers;
    }

    newTile(number) {
        const {width, height} = this.rectangle(number);
        const canvas = Object.assign(document.createElement("canvas"), {width, height});
        const context = canvas.getContext("2d", {willReadFrequently: true});
        context.fillStyle = context.strokeStyle = FooocusMask.COLOUR;
        context.lineCap = context.lineJoin = "round";
        return canvas;
    }

    /** Return a tile's context for drawing in the present step; the tile as it was is kept for undo. */
    writable(number) {
        const before = this.tiles[number];
        if (!this.step.has(number)) {
            const tile = this.newTile(number);
            const context = tile.getContext("2d");
            if (before === FooocusMask.FULL) context.fillRect(0, 0, tile.width, tile.height);
            else if (before) context.drawImage(before, 0, 0);
            this.step.set(number, before);
            this.tiles[number] = tile;
        }
        return this.tiles[number].getContext("2d");
    }

    /** Draw within an area; ``draw`` is given a context in the picture's own pixels. */
    draw(area, erases, draw) {
        this.step ??= new Map();
        for (const number of this.touched(area)) {
            if (this.tiles[number] === (erases ? null : FooocusMask.FULL)) continue;
            const context = this.writable(number);
            const {x, y} = this.rectangle(number);
            context.save();
            context.translate(-x, -y);
            context.globalCompositeOperation = erases ? "destination-out" : "source-over";
            draw(context);
            context.restore();
        }
    }

    /** End a step, so that it can be undone as one; return whether it has changed anything. */
    commit() {
        const step = this.step;
        this.step = null;
        if (!step?.size) return false;
        for (const number of step.keys()) this.settle(number);
        this.past.push(step);
        this.future = [];
        this.forget();
        return true;
    }

    /** Put back what the present step has changed. */
    cancel() {
        for (const [number, tile] of this.step ?? []) this.tiles[number] = tile;
        this.step = null;
    }

    /** Count a tile's pixels; one that is all or nothing needs no canvas any more. */
    settle(number) {
        const {width, height} = this.rectangle(number);
        const tile = this.tiles[number];
        if (tile === null || tile === FooocusMask.FULL) {
            this.marked[number] = tile ? width * height : 0;
            return;
        }
        const pixels = tile.getContext("2d").getImageData(0, 0, width, height).data;
        let [marked, plain] = [0, 0];
        for (let index = 3; index < pixels.length; index += 4) {
            if (pixels[index] > 127) marked++;
            if (pixels[index] === 0 || pixels[index] === 255) plain++;
        }
        this.marked[number] = marked;
        if (plain < width * height) return;
        if (marked === 0) this.tiles[number] = null;
        if (marked === width * height) this.tiles[number] = FooocusMask.FULL;
    }

    forget() {
        const size = (step) => Array.from(step.values()).filter((tile) => tile && tile !== FooocusMask.FULL).length;
        let total = this.past.reduce((sum, step) => sum + size(step), 0);
        while (this.past.length > 1 && total > FooocusMask.MOST_TILES) total -= size(this.past.shift());
    }

    exchange(from, to) {
        const step = from.pop();
        if (!step) return false;
        const back = new Map();
        for (const [number, tile] of step) {
            back.set(number, this.tiles[number]);
            this.tiles[number] = tile;
            this.settle(number);
        }
        to.push(back);
        return true;
    }

    undo() {
        return this.exchange(this.past, this.future);
    }

    redo() {
        return this.exchange(this.future, this.past);
    }

    clear() {
        this.replace(() => null);
    }

    invert() {
        this.replace((tile, number) => {
            if (tile === null) return FooocusMask.FULL;
            if (tile === FooocusMask.FULL) return null;
            const inverted = this.newTile(number);
            const context = inverted.getContext("2d");
            context.fillRect(0, 0, inverted.width, inverted.height);
            context.globalCompositeOperation = "destination-out";
            context.drawImage(tile, 0, 0);
            context.globalCompositeOperation = "source-over";
            return inverted;
        });
    }

    /** Mark what is light in another picture, which is brought to this one's size; what was marked stays so. */
    add(source, sourceWidth, sourceHeight) {
        const [across, down] = [sourceWidth / this.width, sourceHeight / this.height];
        this.step ??= new Map();
        for (const number of this.tiles.keys()) {
            const {x, y, width, height} = this.rectangle(number);
            const light = this.newTile(number);
            const context = light.getContext("2d");
            context.drawImage(source, x * across, y * down, width * across, height * down, 0, 0, width, height);
            const pixels = context.getImageData(0, 0, width, height);
            FooocusMask.lightToOpacity(pixels.data);
            context.putImageData(pixels, 0, 0);
            this.writable(number).drawImage(light, 0, 0);
        }
        this.commit();
    }

    static lightToOpacity(data) {
        for (let index = 0; index < data.length; index += 4) {
            const light = ((data[index] + data[index + 1] + data[index + 2]) / 3) * (data[index + 3] / 255);
            [data[index], data[index + 1], data[index + 2]] = [225, 29, 72]; // COLOUR
            data[index + 3] = light > 127 ? 255 : 0;
        }
    }

    replace(change) {
        this.step = new Map(this.tiles.entries());
        this.tiles = this.tiles.map(change);
        this.commit();
    }

    /** Return which share of the picture is marked, 0..1. */
    share() {
        return this.marked.reduce((sum, count) => sum + count, 0) / (this.width * this.height);
    }

    /** Return the mask as a canvas: white is marked, black is not. */
    toCanvas() {
        const canvas = Object.assign(document.createElement("canvas"), {width: this.width, height: this.height});
        const context = canvas.getContext("2d");
        for (const [number, tile] of this.tiles.entries()) {
            const {x, y, width, height} = this.rectangle(number);
            if (tile === FooocusMask.FULL) context.fillRect(x, y, width, height);
            else if (tile) context.drawImage(tile, x, y);
        }
        context.globalCompositeOperation = "source-in";
        context.fillStyle = "#fff";
        context.fillRect(0, 0, this.width, this.height);
        context.globalCompositeOperation = "destination-over";
        context.fillStyle = "#000";
        context.fillRect(0, 0, this.width, this.height);
        return canvas;
    }

    toBlob() {
        return new Promise((resolve) => this.toCanvas().toBlob(resolve, "image/png"));
    }
}
