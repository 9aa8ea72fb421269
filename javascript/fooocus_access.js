/* Names for screen readers, where Gradio's components leave them out in the Fooocus tab. */
"use strict";

function fooocusNameSliders() {
    for (const block of gradioApp().querySelectorAll("#fooocus_page .gradio-slider")) {
        const label = block.querySelector("label span");
        if (!label) continue;
        for (const input of block.querySelectorAll("input:not([aria-label])")) {
            input.setAttribute("aria-label", label.textContent.trim());
        }
    }
}

/** "On" alone does not say which LoRA is meant. */
function fooocusNameLoras() {
    for (const block of gradioApp().querySelectorAll("[id^=fooocus_lora_on_]")) {
        const input = block.querySelector("input:not([aria-label])");
        if (input) input.setAttribute("aria-label", `On: LoRA ${block.id.split("_").pop()}`);
    }
}

function fooocusNamePictures() {
    for (const kind of ["small", "lg"]) {
        const buttons = gradioApp().querySelectorAll(`#fooocus_gallery .thumbnail-item.thumbnail-${kind}`);
        buttons.forEach((button, index) => {
            const name = `Picture ${index + 1} of ${buttons.length}`;
            if (button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
            const image = button.querySelector("img"); // which Gradio 4 makes anew in the same button
            if (image && image.alt !== name) image.alt = name;
        });
    }
    for (const image of gradioApp().querySelectorAll("#fooocus_gallery img:not([alt]), #fooocus_gallery .preview img[alt='']")) {
        image.alt = image.closest(".livePreview") ? "The picture that is being made" : "The selected picture";
    }
}

onUiUpdate(() => {
    if (!gradioApp().querySelector("#fooocus_page")) return;
    fooocusNameSliders();
    fooocusNameLoras();
    fooocusNamePictures();
});
