/* Settings > Fooocus: the form that downloads an expansion model. */
"use strict";

(() => {
    const ROUTE = "expansion-model";
    const POLL_MILLISECONDS = 500;
    const MEGABYTE = 1e6;

    /** Read lines of "SHA-256 name" or "name SHA-256"; throws an Error that names the line. */
    function readFiles(text) {
        const lines = text.split("\n").map((line) => line.trim());
        return lines.flatMap((line, index) => {
            if (!line) return [];
            const words = line.split(/\s+/);
            const sums = words.filter((word) => /^[0-9a-f]{64}$/i.test(word));
            const names = words.filter((word) => !sums.includes(word));
            if (sums.length !== 1 || names.length !== 1) {
                throw new Error(`Line ${index + 1} is "${line}"; each line needs a SHA-256 (64 digits) and a file name.`);
            }
            return [{ name: names[0].replace(/^\*/, ""), sha256: sums[0].toLowerCase() }];
        });
    }

    const form = () => gradioApp().querySelector("#fooocus_model_download");

    function showOutcome(text, failed) {
        const outcome = form().querySelector(".fooocus-outcome");
        outcome.textContent = text;
        outcome.classList.toggle("fooocus-failed", failed);
    }

    function showProgress(progress) {
        const bar = form().querySelector("progress");
        const done = (progress.bytes_done / MEGABYTE).toFixed(1);
        if (progress.bytes_total) bar.value = progress.bytes_done / progress.bytes_total;
        else bar.removeAttribute("value");
        const total = progress.bytes_total ? ` of ${(progress.bytes_total / MEGABYTE).toFixed(1)}` : "";
        if (progress.file) showOutcome(`${progress.file}: ${done}${total} MB`, false);
    }

    function showRunning(running) {
        form().querySelector("button[type=submit]").disabled = running;
        form().elements.cancel.hidden = !running;
        form().querySelector("progress").hidden = !running;
    }

    /** Show how far the download is for as long as `going()` says that it goes on. */
    async function follow(going) {
        while (going()) {
            const progress = await fooocus.ask(ROUTE).catch(() => null);
            if (progress && progress.running && going()) showProgress(progress);
            await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
        }
    }

    async function start() {
        const fields = form().elements;
        let going = true;
        showOutcome("", false);
        try {
            const request = {
                base_url: fields.address.value.trim(),
                files: readFiles(fields.files.value),
                accept_notice: fields.accepted.checked,
            };
            showRunning(true);
            follow(() => going);
            const {saved} = await fooocus.ask(ROUTE, request);
            showOutcome(`The model is in ${saved} and will be used from the next picture on.`, false);
        } catch (error) {
            showOutcome(error.message, true);
        } finally {
            going = false;
            showRunning(false);
        }
    }

    document.addEventListener("click", (event) => {
        if (form() && event.target === form().elements.cancel) fetch(`fooocus/v1/${ROUTE}`, { method: "DELETE" });
    });

    document.addEventListener("submit", (event) => {
        if (event.target !== form()) return;
        event.preventDefault();
        start();
    });
})();
