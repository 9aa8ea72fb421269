/* The picture with its mask above it, as large and at such a place as zoom and pan have it. */
"use strict";

class FooocusMaskView {
    static LARGEST = 32; // pixels of the screen per pixel of the picture

    /** ``stage`` is an element with three canvases: the picture, its mask, and what helps with drawing. */
    constructor(stage) {
        this.stage = stage;
        [this.below, this.above, this.guide] = stage.querySelectorAll("canvas");
        this.picture = this.mask = null;
        this.scale = 1; // CSS pixels per pixel of the picture
        this.x = this.y = 0; // of the picture's corner, in CSS pixels
        this.isFitted = true;
        this.waiting = false;
        this.dirty = null; // the area of the mask to be drawn anew; "all" for all of it
        this.grown = {left: 0, right: 0, top: 0, bottom: 0}; // by how many of its pixels the picture is to grow
        this.drawGuide = () => {};
        new ResizeObserver(() => this.resize()).observe(stage);
    }

    show(picture, mask) {
        [this.picture, this.mask] = [picture, mask];
        this.stage.style.aspectRatio = `${picture.width} / ${picture.height}`; // as far as there is room
        this.fit();
    }

    resize() {
        const density = Math.min(window.devicePixelRatio || 1, 2);
        const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
        if (!width || !height) return;
        for (const canvas of [this.below, this.above, this.guide]) {
            canvas.width = Math.round(width * density);
            canvas.height = Math.round(height * density);
        }
        this.density = density;
        if (this.isFitted) this.fit();
        else this.redraw();
    }

    /** Return the rectangle of the picture as it is to be, in pixels of the picture as it is. */
    whole() {
        const {left, right, top, bottom} = this.grown;
        return {x: -left, y: -top, width: this.picture.width + left + right, height: this.picture.height + top + bottom};
    }

    /** Show by how many pixels the picture is to grow at each side. */
    grow(grown) {
        if (JSON.stringify(grown) === JSON.stringify(this.grown)) return;
        this.grown = grown;
        this.fit();
    }

    /** Return the scale at which all of the picture is seen. */
    fitting() {
        const {width, height} = this.whole();
        return Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height, 4) || 1;
    }

    fit() {
        if (!this.picture) return;
        const {x, y, width, height} = this.whole();
        this.scale = this.fitting();
        this.x = (this.stage.clientWidth - width * this.scale) / 2 - x * this.scale;
        this.y = (this.stage.clientHeight - height * this.scale) / 2 - y * this.scale;
        this.isFitted = true;
        this.redraw();
    }

    /** Zoom by a factor; the point (x, y) of the stage stays where it is. */
    zoom(factor, x = this.stage.clientWidth / 2, y = this.stage.clientHeight / 2) {
        const smallest = Math.min(this.fitting(), 1) / 2;
        const scale = Math.min(Math.max(this.scale * factor, smallest), FooocusMaskView.LARGEST);
        this.x = x - ((x - this.x) * scale) / this.scale;
        this.y = y - ((y - this.y) * scale) / this.scale;
        this.scale = scale;
        this.moveBy(0, 0);
    }

    /** Move the picture; at least a bit of it stays in sight. */
    moveBy(across, down) {
        const keep = (position, length, room) => Math.min(Math.max(position, 40 - length), room - 40);
        this.x = keep(this.x + across, this.picture.width * this.scale, this.stage.clientWidth);
        this.y = keep(this.y + down, this.picture.height * this.scale, this.stage.clientHeight);
        this.isFitted = false;
        this.redraw();
    }

    /** Return a point of the stage in pixels of the picture. */
    toPicture(x, y) {
        return {x: (x - this.x) / this.scale, y: (y - this.y) / this.scale};
    }

    /** Return a point of the picture in CSS pixels of the stage. */
    toStage({x, y}) {
        return {x: x * this.scale + this.x, y: y * this.scale + this.y};
    }

    /** Draw everything in the next frame. */
    redraw() {
        this.redrawMask("all");
        this.isPictureDirty = true;
    }

    /** Draw a part of the mask in the next frame; without one only what helps with drawing. */
    redrawMask(area) {
        if (area === "all" || this.dirty === "all") this.dirty = "all";
        else if (area) this.dirty = FooocusMaskView.union(this.dirty, area);
        if (this.waiting) return;
        this.waiting = true;
        requestAnimationFrame(() => this.frame());
    }

    static union(one, other) {
        if (!one) return other;
        const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
        return {
            x,
            y,
            width: Math.max(one.x + one.width, other.x + other.width) - x,
            height: Math.max(one.y + one.height, other.y + other.height) - y,
        };
    }

    frame() {
        this.waiting = false;
        if (!this.picture || !this.density) return;
        if (this.isPictureDirty) this.drawPicture();
        if (this.dirty) this.drawMask(this.dirty === "all" ? this.present() : this.dirty);
        [this.dirty, this.isPictureDirty] = [null, false];
        const context = this.cleared(this.guide);
        this.drawGrown(context);
        context.setTransform(this.density, 0, 0, this.density, 0, 0);
        this.drawGuide(context);
    }

    drawGrown(context) {
        if (!Object.values(this.grown).some(Boolean)) return;
        const [x, y, width, height] = this.onCanvas(this.whole());
        context.lineWidth = 2 * this.density;
        for (const [colour, start] of [["#000", 0], ["#fff", 8]]) {
            context.setLineDash([8 * this.density, 8 * this.density]);
            context.lineDashOffset = start * this.density;
            context.strokeStyle = colour;
            context.strokeRect(x + 1, y + 1, width - 2, height - 2);
        }
        context.setLineDash([]);
    }

    present() {
        return {x: 0, y: 0, width: this.picture.width, height: this.picture.height};
    }

    cleared(canvas) {
        const context = canvas.getContext("2d");
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, canvas.width, canvas.height);
        return context;
    }

    /** Return a rectangle of the picture in whole pixels of the canvases: neighbours meet without a seam. */
    onCanvas({x, y, width, height}) {
        const from = this.toStage({x, y});
        const to = this.toStage({x: x + width, y: y + height});
        const [left, top, right, bottom] = [from.x, from.y, to.x, to.y].map((each) => Math.round(each * this.density));
        return [left, top, right - left, bottom - top];
    }

    drawPicture() {
        const context = this.cleared(this.below);
        context.imageSmoothingEnabled = this.scale < 4;
        context.drawImage(this.picture, ...this.onCanvas(this.present()));
    }

    drawMask(area) {
        const isAll = this.dirty === "all";
        const context = isAll ? this.cleared(this.above) : this.above.getContext("2d");
        context.save();
        context.imageSmoothingEnabled = this.scale < 1;
        if (!isAll) {
            const [x, y, width, height] = this.onCanvas(area);
            context.beginPath();
            context.rect(x - 2, y - 2, width + 4, height + 4);
            context.clip();
            context.clearRect(x - 2, y - 2, width + 4, height + 4);
        }
        context.fillStyle = FooocusMask.COLOUR;
        const seam = 3 / (this.scale * this.density); // what the clip has taken in around the area
        const wider = {x: area.x - seam, y: area.y - seam, width: area.width + 2 * seam, height: area.height + 2 * seam};
        for (const number of this.mask.touched(wider)) {
            const tile = this.mask.tiles[number];
            if (tile === null) continue;
            const place = this.onCanvas(this.mask.rectangle(number));
            if (tile === FooocusMask.FULL) context.fillRect(...place);
            else context.drawImage(tile, ...place);
        }
        context.restore();
    }
}
