/* The Fooocus tab's "Input image": the picture to start from, and what is sent of it with a job. */
"use strict";

const fooocusInput = {
    READ: ["image/png", "image/jpeg", "image/webp"], // by the server; what else the browser shows becomes PNG

    file: null, // as it was given: the server turns it as its camera says, as the browser does
    picture: null, // the same, decoded
    hasAlpha: false,

    isOn: () => Boolean(fooocus.find("#fooocus_input_image input")?.checked),

    /** Whether a part of the picture is to be made anew, so that there is a mask. */
    isMasked: () => fooocusInput.chosen("kind") === "Inpaint or Outpaint",

    chosen: (name) => fooocus.find(`#fooocus_edit_${name} label.selected`)?.textContent.trim(),

    say(text) {
        fooocus.find("#fooocus_input_said").textContent = text;
    },

    /** Work on a picture file; opens the section. */
    async take(file) {
        let picture;
        try {
            picture = await createImageBitmap(file);
        } catch (error) {
            fooocusInput.say(`${file.name || "This file"} cannot be read as a picture.`);
            return;
        }
        if (!fooocusInput.READ.includes(file.type)) file = await fooocusInput.asPng(picture);
        const most = Number(fooocus.find("#fooocus_input_place").dataset.mostBytes);
        if (file.size > most) {
            fooocusInput.say(`This file has ${Math.ceil(file.size / 2 ** 20)} MiB; up to ${most / 2 ** 20} are allowed.`);
            return;
        }
        const box = fooocus.find("#fooocus_input_image input");
        if (!box.checked) box.click();
        [fooocusInput.file, fooocusInput.picture] = [file, picture];
        fooocusInput.hasAlpha = fooocusInput.isSeenThrough(picture);
        const shown = fooocus.find("#fooocus_input_shown");
        URL.revokeObjectURL(shown.src);
        shown.src = URL.createObjectURL(file);
        fooocusMaskEditor.open(picture, true);
        fooocusInput.say(`${picture.width} × ${picture.height} pixels.`);
        fooocusInput.show();
    },

    asPng(picture) {
        const canvas = fooocus.make("canvas", {width: picture.width, height: picture.height});
        canvas.getContext("2d").drawImage(picture, 0, 0);
        return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    },

    remove() {
        fooocusMaskEditor.close();
        [fooocusInput.file, fooocusInput.picture, fooocusInput.hasAlpha] = [null, null, false];
        fooocusInput.say("You can drop a picture here, too, or paste one.");
        fooocusInput.show();
        fooocus.find("#fooocus_input_choose").focus();
    },

    /** Show what belongs to the chosen kind of work: the picture alone, or with its mask. */
    show() {
        const has = Boolean(fooocusInput.picture);
        const page = fooocus.find("#fooocus_page");
        if (!page) return; // the webui's "Reload UI" has emptied it
        page.classList.toggle("fooocus-input", fooocusInput.isOn());
        page.classList.toggle("fooocus-input-masked", fooocusInput.isMasked());
        page.classList.toggle("fooocus-input-outpaint", fooocusInput.chosen("method") === "Inpaint or Outpaint");
        fooocus.find("#fooocus_input_remove").hidden = !has;
        fooocus.find("#fooocus_input_shown").hidden = !has || fooocusInput.isMasked();
        fooocus.find("#fooocus_mask").hidden = !has || !fooocusInput.isMasked();
        fooocus.find("#fooocus_input_alpha").hidden = !fooocusInput.hasAlpha || !fooocusInput.isMasked();
        if (has) fooocusMaskEditor.view.grow(fooocusInput.grown());
    },

    /** Return by how many pixels the picture is to grow at each side. */
    grown() {
        const isOutpaint = fooocusInput.isMasked() && fooocusInput.chosen("method") === "Inpaint or Outpaint";
        const share = Number(fooocus.find("#fooocus_edit_share input[type=number]").value);
        const {width, height} = fooocusInput.picture;
        const pixels = (side, length) => {
            const isGrown = isOutpaint && fooocus.find(`#fooocus_edit_${side} input`).checked;
            return isGrown ? Math.floor(share * length) : 0;
        };
        return {left: pixels("left", width), right: pixels("right", width), top: pixels("top", height), bottom: pixels("bottom", height)};
    },

    /** Whether a part of a picture is transparent, seen at a small size. */
    isSeenThrough(picture) {
        const [width, height] = [Math.min(256, picture.width), Math.min(256, picture.height)];
        const context = fooocus.make("canvas", {width, height}).getContext("2d");
        context.drawImage(picture, 0, 0, width, height);
        return context.getImageData(0, 0, width, height).data.some((level, index) => index % 4 === 3 && level < 128);
    },

    markTransparent() {
        const {width, height} = fooocusInput.picture;
        const canvas = fooocus.make("canvas", {width, height});
        const context = canvas.getContext("2d");
        context.fillStyle = "#fff";
        context.fillRect(0, 0, width, height);
        context.globalCompositeOperation = "destination-out";
        context.drawImage(fooocusInput.picture, 0, 0);
        fooocusMaskEditor.view.mask.add(canvas, width, height);
        fooocusMaskEditor.changed();
    },

    async takeSelected() {
        const thumbnails = gradioApp().querySelectorAll("#fooocus_gallery .thumbnail-item.thumbnail-small img");
        const chosen = thumbnails[fooocus.selectedIndex()] || fooocus.find("#fooocus_gallery .preview img");
        if (!chosen) {
            fooocusInput.say("Make or select a picture first.");
            return;
        }
        fooocusInput.take(await (await fetch(chosen.src)).blob());
    },

    drop(event) {
        fooocus.find("#fooocus_input_place").classList.remove("fooocus-over");
        fooocusDropped.take(event, fooocusInput.take, fooocusInput.say); // elsewhere on the page a picture brings its settings
    },

    paste(event) {
        const isText = event.target.closest?.("textarea, input:not([type=range], [type=checkbox], [type=radio])");
        const file = Array.from(event.clipboardData.files).find(fooocusDropped.isPicture);
        if (isText || !file || !fooocusInput.isOn() || !fooocus.isShown()) return;
        event.preventDefault();
        fooocusInput.take(file);
    },

    base64: (blob) => new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
        reader.onerror = () => reject(new Error("The input picture cannot be read any more; choose it again."));
        reader.readAsDataURL(blob);
    }),

    /** Return what a job is sent of the picture and its mask; nothing unless it starts from a picture. */
    async contents() {
        if (!fooocusInput.isOn() || !fooocusInput.file) return {};
        const hasMask = fooocusInput.isMasked() && !fooocusMaskEditor.isEmpty();
        return {
            input: {
                picture: await fooocusInput.base64(fooocusInput.file),
                mask: hasMask ? await fooocusInput.base64(await fooocusMaskEditor.toBlob()) : null,
            },
        };
    },

    build() {
        const place = fooocus.find("#fooocus_input_place");
        if (!place) return;
        const acts = {choose: () => chooser.click(), take: fooocusInput.takeSelected, remove: fooocusInput.remove, alpha: fooocusInput.markTransparent};
        const chooser = fooocus.find("#fooocus_input_file");
        for (const [name, act] of Object.entries(acts)) fooocus.find(`#fooocus_input_${name}`).addEventListener("click", act);
        chooser.addEventListener("change", () => {
            const [file] = chooser.files;
            if (file) fooocusInput.take(file);
            chooser.value = "";
        });
        place.addEventListener("dragover", (event) => {
            if (!fooocusDropped.mayBring(event.dataTransfer)) return;
            event.preventDefault();
            place.classList.add("fooocus-over");
        });
        place.addEventListener("dragleave", () => place.classList.remove("fooocus-over"));
        place.addEventListener("drop", fooocusInput.drop);
        document.addEventListener("paste", fooocusInput.paste);
        fooocusDropped.ways.push({words: "Work on this picture", act: fooocusInput.take});
        fooocusInput.show();
    },
};

/** Called by Gradio when "Input image" or the kind of work has changed. */
function fooocusShowInput() {
    setTimeout(fooocusInput.show, 0);
    return [];
}

onUiLoaded(fooocusInput.build);
