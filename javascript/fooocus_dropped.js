/* A picture dropped on the Fooocus tab, or pasted: shown with its settings, and the user chooses what is done with it. */
"use strict";

const fooocusDropped = {
    PATIENCE: 10_000, // milliseconds for the answer to an earlier picture
    LONGEST: 60_000, // milliseconds for the answer to this one, which may have a slow way
    UNREAD: "The picture could not be handed to the webui. Try again, or reload the page.",

    file: null,

    /** The file whose settings the webui is asked for. */
    unread: null,

    /** The file that each of the page's hidden places for files is to have, by the place's id. */
    wanted: {},

    /** What can be done with a picture: the words on a button, and what it does with the file. */
    ways: [],

    dialog: () => fooocus.find("#fooocus_dropped"),

    part: (name) => fooocusDropped.dialog().querySelector(`.fooocus-dropped-${name}`),

    async open(file) {
        const image = fooocusDropped.part("picture");
        URL.revokeObjectURL(image.src);
        image.src = URL.createObjectURL(file);
        fooocusDropped.file = file;
        fooocusDropped.part("ways").replaceChildren(...fooocusDropped.ways.map(fooocusDropped.button));
        fooocusDropped.show([], "Reading its settings", []);
        if (!fooocusDropped.dialog().open) fooocusDropped.dialog().showModal();
        fooocusDropped.part("title").focus();
        fooocusDropped.unread = file;
        if (await fooocusDropped.upload("fooocus_look_at", file)) await fooocusDropped.answered(file);
        if (fooocusDropped.unread === file) fooocusDropped.show([], fooocusDropped.UNREAD, []);
    },

    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),

    /** Wait for the answer about a file, but not too long, nor while the webui cannot be reached. */
    async answered(file) {
        const end = Date.now() + fooocusDropped.LONGEST;
        const isLost = () => fetch("internal/ping").then(() => false, () => true);
        while (fooocusDropped.unread === file && Date.now() < end) {
            await fooocusDropped.pause(500);
            if (await Promise.race([isLost(), fooocusDropped.pause(500)])) return;
        }
    },

    button({words, act}) {
        const button = fooocus.make("button", {type: "button", textContent: words});
        button.addEventListener("click", () => {
            const file = fooocusDropped.file;
            fooocusDropped.dialog().close();
            act(file);
        });
        return button;
    },

    /** Show what the server has read; it says how long the file was, as another may have come meanwhile. */
    read(answer) {
        const {bytes, rows, notes} = JSON.parse(answer);
        if (!fooocusDropped.file || bytes !== fooocusDropped.file.size) return;
        fooocusDropped.unread = null;
        fooocusDropped.show(rows, rows.length ? "" : "This picture does not carry any settings.", notes);
    },

    show(rows, said, notes) {
        const use = fooocusDropped.part("use");
        const table = rows.length ? [fooocusTable("Settings of the dropped picture", rows)] : [];
        fooocusDropped.part("settings").replaceChildren(...table);
        fooocusDropped.part("said").textContent = said;
        fooocusDropped.part("notes").replaceChildren(...notes.map((note) => fooocus.make("li", {textContent: note})));
        use.hidden = !rows.length;
        const first = fooocusDropped.dialog().querySelector(".fooocus-buttons button:not([hidden])");
        if (document.activeElement === fooocusDropped.part("title") && rows.length) first.focus();
    },

    async use() {
        fooocusDropped.dialog().close();
        if (!(await fooocusDropped.upload("fooocus_picture", fooocusDropped.file))) fooocusQueue.refuse(fooocusDropped.UNREAD);
    },

    /**
     * Give a file to one of the page's hidden places for files, unless another is to be there instead meanwhile.
     * While an earlier one awaits its answer, Gradio has no input there. Return whether it came in time.
     */
    async upload(id, file) {
        const input = () => fooocus.find(`#${id} input[type=file]`);
        const end = Date.now() + fooocusDropped.PATIENCE;
        fooocusDropped.wanted[id] = file;
        while (!input() && Date.now() < end) await fooocusDropped.pause(50);
        if (fooocusDropped.wanted[id] !== file) return true;
        if (!input()) { // the earlier one is never answered: it gives way
            fooocus.find(`#${id} button[aria-label]`)?.click();
            await fooocusDropped.pause(200);
        }
        if (!input()) return false;
        const transfer = new DataTransfer();
        transfer.items.add(file);
        input().files = transfer.files;
        input().dispatchEvent(new Event("change"));
        return true;
    },

    isPicture: (file) => file.type.startsWith("image/"),

    /** Whether a drag may bring a picture. Text is left to the browser, which moves it. */
    mayBring: ({types}) => types.includes("Files") || types.includes("text/uri-list"),

    /** Return the picture that is dropped, also one of this webui's; throws an Error that says why there is none. */
    async brought(data) {
        const file = Array.from(data.files).find(fooocusDropped.isPicture);
        if (file) return file;
        const address = data.files.length ? "" : data.getData("URL");
        if (address && new URL(address, location.href).origin !== location.origin) {
            throw new Error("A picture of another page: save it first, then choose the file.");
        }
        const blob = address ? await (await fetch(address)).blob() : new Blob();
        if (!fooocusDropped.isPicture(blob)) throw new Error("What was dropped is no picture.");
        return new File([blob], "picture", {type: blob.type});
    },

    /** Take what was dropped; what is wrong with it is said. */
    async take(event, act, say) {
        if (!fooocusDropped.mayBring(event.dataTransfer)) return;
        event.preventDefault();
        event.stopPropagation();
        try {
            await act(await fooocusDropped.brought(event.dataTransfer));
        } catch (error) {
            say(error.message);
        }
    },
};

/** Called by Gradio when the server has read a dropped picture. */
function fooocusShowDropped(answer) {
    fooocusDropped.read(answer);
    return [];
}

onUiLoaded(() => {
    const main = fooocus.find("#fooocus_main");
    if (!main) return;
    main.addEventListener("dragover", (event) => {
        if (fooocusDropped.mayBring(event.dataTransfer)) event.preventDefault();
    });
    main.addEventListener("drop", (event) => fooocusDropped.take(event, fooocusDropped.open, fooocusQueue.refuse));
    fooocus.find("#fooocus_page").append(fooocusDropped.dialog()); // out of what is hidden
    fooocusDropped.part("use").addEventListener("click", fooocusDropped.use);
    fooocusDropped.part("cancel").addEventListener("click", () => fooocusDropped.dialog().close());
});
