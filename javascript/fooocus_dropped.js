/* A picture dropped on the Fooocus tab, or pasted: shown with its settings, and the user chooses what is done with it. */
"use strict";

const fooocusDropped = {
    file: null,

    /** What can be done with a picture: the words on a button, and what it does with the file. */
    ways: [],

    dialog: () => fooocus.find("#fooocus_dropped"),

    part: (name) => fooocusDropped.dialog().querySelector(`.fooocus-dropped-${name}`),

    open(file) {
        const image = fooocusDropped.part("picture");
        URL.revokeObjectURL(image.src);
        image.src = URL.createObjectURL(file);
        fooocusDropped.file = file;
        fooocusDropped.part("ways").replaceChildren(...fooocusDropped.ways.map(fooocusDropped.button));
        fooocusDropped.show([], "Reading its settings", []);
        if (!fooocusDropped.dialog().open) fooocusDropped.dialog().showModal();
        fooocusDropped.part("title").focus();
        fooocusDropped.upload("fooocus_look_at", file);
    },

    button({words, act}) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = words;
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
        fooocusDropped.show(rows, rows.length ? "" : "This picture does not carry any settings.", notes);
    },

    show(rows, said, notes) {
        const use = fooocusDropped.part("use");
        const table = rows.length ? [fooocusTable("Settings of the dropped picture", rows)] : [];
        fooocusDropped.part("settings").replaceChildren(...table);
        fooocusDropped.part("said").textContent = said;
        fooocusDropped.part("notes").replaceChildren(
            ...notes.map((note) => Object.assign(document.createElement("li"), {textContent: note}))
        );
        use.hidden = !rows.length;
        const first = fooocusDropped.dialog().querySelector(".fooocus-buttons button:not([hidden])");
        if (document.activeElement === fooocusDropped.part("title") && rows.length) first.focus();
    },

    use() {
        fooocusDropped.dialog().close();
        fooocusDropped.upload("fooocus_picture", fooocusDropped.file);
    },

    /** Give a file to one of the page's hidden places for files. */
    upload(id, file) {
        const input = fooocus.find(`#${id} input[type=file]`);
        if (!input) return;
        const transfer = new DataTransfer();
        transfer.items.add(file);
        input.files = transfer.files;
        input.dispatchEvent(new Event("change"));
    },

    isPicture: (file) => file.type.startsWith("image/"),

    async drop(event) {
        const data = event.dataTransfer;
        const address = data.getData("text/uri-list");
        const picture = Array.from(data.files).find(fooocusDropped.isPicture);
        if (!picture && !address) return;
        event.preventDefault();
        event.stopPropagation();
        if (picture) {
            fooocusDropped.open(picture);
            return;
        }
        if (new URL(address, location.href).origin !== location.origin) return;
        const blob = await (await fetch(address)).blob();
        if (fooocusDropped.isPicture(blob)) fooocusDropped.open(new File([blob], "picture", {type: blob.type}));
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
    main.addEventListener("dragover", (event) => event.preventDefault());
    main.addEventListener("drop", fooocusDropped.drop);
    fooocus.find("#fooocus_page").append(fooocusDropped.dialog()); // out of what is hidden
    fooocusDropped.part("use").addEventListener("click", fooocusDropped.use);
    fooocusDropped.part("cancel").addEventListener("click", () => fooocusDropped.dialog().close());
});
