/* What draws in a mask: brush, eraser, lasso, rectangle and hand, moved by mouse, pen, fingers or arrow keys. */
"use strict";

const fooocusMaskGestures = {
    /** Brush and eraser: a line as wide as the brush. */
    stroke(tools, start, erases) {
        const half = tools.size / 2;
        let last = start;
        const line = (from, to) => {
            const area = {
                x: Math.min(from.x, to.x) - half - 1,
                y: Math.min(from.y, to.y) - half - 1,
                width: Math.abs(from.x - to.x) + tools.size + 2,
                height: Math.abs(from.y - to.y) + tools.size + 2,
            };
            tools.mask.draw(area, erases, (context) => {
                context.beginPath();
                context.arc(to.x, to.y, half, 0, 2 * Math.PI);
                context.fill();
                context.lineWidth = tools.size;
                context.beginPath();
                context.moveTo(from.x, from.y);
                context.lineTo(to.x, to.y);
                context.stroke();
            });
            tools.view.redrawMask(area);
        };
        line(start, start);
        return {
            move: (to) => {
                line(last, to);
                last = to;
            },
            end: () => {},
            outline: () => [],
        };
    },

    /** Lasso: what the line goes around. */
    lasso(tools, start, erases) {
        const points = [start];
        return {
            move: (to) => points.push(to),
            end: () => tools.fill(points, erases),
            outline: () => points,
        };
    },

    rectangle(tools, start, erases) {
        let now = start;
        const corners = () => [start, {x: now.x, y: start.y}, now, {x: start.x, y: now.y}];
        return {
            move: (to) => {
                now = to;
            },
            end: () => tools.fill(corners().map(({x, y}) => ({x: Math.round(x), y: Math.round(y)})), erases),
            outline: corners,
        };
    },
};

class FooocusMaskTools {
    /** ``changed`` is called after each step that has changed the mask. */
    constructor(view, changed) {
        this.view = view;
        this.changed = changed;
        this.tool = "brush";
        this.size = 64; // of the brush, in pixels of the picture
        this.gesture = null;
        this.pointer = null; // where the mouse or pen is, in pixels of the picture
        this.cursor = null; // where the keyboard is
        this.touches = new Map();
        this.pan = null;
        view.drawGuide = (context) => this.drawGuide(context);
        this.listen(view.stage);
    }

    get mask() {
        return this.view.mask;
    }

    listen(stage) {
        stage.addEventListener("pointerdown", (event) => this.down(event));
        stage.addEventListener("pointermove", (event) => this.moved(event));
        for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, (event) => this.up(event));
        stage.addEventListener("pointerleave", () => {
            this.pointer = null;
            this.view.redrawMask();
        });
        stage.addEventListener("contextmenu", (event) => event.preventDefault()); // the right button erases
    }

    choose(tool) {
        this.cancel();
        this.tool = tool;
        this.view.redrawMask();
    }

    onStage(event) {
        const box = this.view.stage.getBoundingClientRect();
        return {x: event.clientX - box.left, y: event.clientY - box.top};
    }

    toPicture(event) {
        const {x, y} = this.onStage(event);
        return this.view.toPicture(x, y);
    }

    down(event) {
        if (!this.mask) return;
        this.view.stage.focus({preventScroll: true});
        event.preventDefault();
        if (event.isTrusted) this.view.stage.setPointerCapture(event.pointerId);
        this.cursor = null;
        if (event.pointerType === "touch") {
            this.touches.set(event.pointerId, this.onStage(event));
            if (this.touches.size > 1) {
                this.cancel(); // the first finger's dab was the beginning of a pinch
                this.pan = null;
                return;
            }
        }
        if (event.button === 1 || this.tool === "hand") {
            this.pan = this.onStage(event);
            return;
        }
        const isEraser = event.button === 2 || event.button === 5 || event.altKey; // 5 is a pen's other end
        this.begin(this.toPicture(event), isEraser);
    }

    moved(event) {
        if (!this.mask) return;
        const here = this.onStage(event);
        if (this.touches.size > 1 && this.touches.has(event.pointerId)) {
            this.pinch(event.pointerId, here);
            return;
        }
        if (this.pan) {
            this.view.moveBy(here.x - this.pan.x, here.y - this.pan.y);
            this.pan = here;
            return;
        }
        this.pointer = event.pointerType === "touch" ? null : this.toPicture(event);
        if (this.gesture) {
            const all = event.getCoalescedEvents?.() ?? [];
            for (const each of all.length ? all : [event]) this.gesture.move(this.toPicture(each));
        }
        this.view.redrawMask();
    }

    up(event) {
        const wasPinch = this.touches.size > 1;
        this.touches.delete(event.pointerId);
        this.pan = null;
        if (event.type === "pointercancel") this.cancel();
        else if (!wasPinch) this.end();
    }

    /** Two fingers: their distance zooms, their middle moves. */
    pinch(pointer, here) {
        const [other] = Array.from(this.touches).filter(([id]) => id !== pointer).map(([, place]) => place);
        const before = this.touches.get(pointer);
        this.touches.set(pointer, here);
        const distance = (place) => Math.max(1, Math.hypot(place.x - other.x, place.y - other.y));
        this.view.moveBy((here.x - before.x) / 2, (here.y - before.y) / 2);
        this.view.zoom(distance(here) / distance(before), (here.x + other.x) / 2, (here.y + other.y) / 2);
    }

    begin(point, isEraser = false) {
        this.cancel();
        const kind = {lasso: "lasso", rectangle: "rectangle"}[this.tool] || "stroke";
        this.gesture = fooocusMaskGestures[kind](this, point, isEraser || this.tool === "eraser");
        this.view.redrawMask();
    }

    end() {
        if (!this.gesture) return;
        this.gesture.end();
        this.gesture = null;
        if (this.mask.commit()) this.changed();
        this.view.redrawMask();
    }

    /** Give up what is being drawn; return whether there was anything. */
    cancel() {
        if (!this.gesture) return false;
        this.gesture = null;
        this.mask.cancel();
        this.view.redrawMask("all");
        return true;
    }

    fill(points, erases) {
        const [across, down] = [points.map(({x}) => x), points.map(({y}) => y)];
        const [x, y] = [Math.min(...across), Math.min(...down)];
        const area = {x: x - 1, y: y - 1, width: Math.max(...across) - x + 2, height: Math.max(...down) - y + 2};
        this.mask.draw(area, erases, (context) => {
            context.beginPath();
            for (const point of points) context.lineTo(point.x, point.y);
            context.fill();
        });
        this.view.redrawMask(area);
    }

    /** Move the keyboard's place; what it draws goes along. */
    step(across, down, pixels) {
        const {width, height} = this.view.picture;
        this.cursor ??= this.pointer ?? {x: width / 2, y: height / 2};
        const length = Math.max(1, pixels / this.view.scale);
        this.cursor = {
            x: Math.min(Math.max(Math.round(this.cursor.x + across * length), 0), width),
            y: Math.min(Math.max(Math.round(this.cursor.y + down * length), 0), height),
        };
        this.gesture?.move(this.cursor);
        this.view.redrawMask();
    }

    /** Begin or end to draw where the keyboard is; return whether it draws now. */
    press() {
        if (this.gesture) this.end();
        else if (this.tool !== "hand") {
            this.step(0, 0, 0);
            this.begin(this.cursor);
        }
        return Boolean(this.gesture);
    }

    drawGuide(context) {
        const twice = (draw) => {
            for (const [width, colour] of [[3, "#000"], [1.5, "#fff"]]) {
                context.lineWidth = width;
                context.strokeStyle = colour;
                context.beginPath();
                draw();
                context.stroke();
            }
        };
        const outline = this.gesture?.outline() ?? [];
        if (outline.length) {
            twice(() => {
                for (const point of outline.map((each) => this.view.toStage(each))) context.lineTo(point.x, point.y);
                context.closePath();
            });
        }
        const place = this.cursor ?? this.pointer;
        if (!place || this.tool === "hand") return;
        const {x, y} = this.view.toStage(place);
        const isBrush = this.tool === "brush" || this.tool === "eraser";
        if (isBrush) twice(() => context.arc(x, y, Math.max(1, (this.size / 2) * this.view.scale), 0, 2 * Math.PI));
        if (!isBrush || this.cursor) {
            twice(() => {
                for (const [across, down] of [[8, 0], [0, 8]]) {
                    context.moveTo(x - across, y - down);
                    context.lineTo(x + across, y + down);
                }
            });
        }
    }
}
