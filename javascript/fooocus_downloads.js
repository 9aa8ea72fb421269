/* Model files by consent: wherever a message names one that is missing, what it is and a Download button. */
"use strict";

(() => {
    const POLL_MILLISECONDS = 700;
    const MESSAGES = ["#html_log_fooocus", "#fooocus_first_run", "#html_log_txt2img", "#html_log_img2img"];
    const LIST = "fooocus-downloads";
    const GOES_ON = ["waiting", "running"];

    let known = null; // the last answer of GET /downloads
    let polling = false;

    const bytes = (number) => {
        const [unit, divisor] = number < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
        return `${(number / divisor).toFixed(number / divisor < 100 ? 1 : 0)} ${unit}`;
    };

    const duration = (seconds) => {
        if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
        return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
    };

    /** Whether a text names a file, with or without its ending. */
    function names(text, file) {
        const stem = file.replace(/\.[a-z]+$/i, "").toLowerCase();
        const parts = text.toLowerCase().split(stem);
        const isWord = (before, after) => !/[\w-]$/.test(before) && !/^[\w-]/.test(after);
        return parts.some((part, index) => index > 0 && isWord(parts[index - 1], part));
    }

    const messages = () => MESSAGES.map((selector) => gradioApp().querySelector(selector)).filter(Boolean);

    const ask = (path = "", body = undefined) => fooocus.ask(`downloads${path}`, body);

    const downloadOf = (file) => known.downloads.find((each) => each.file === file);

    const lists = () => Array.from(gradioApp().querySelectorAll(`.${LIST}`));

    /** Say what a file is, so that a click on its button is consent. */
    function facts(offer) {
        const isKnown = offer.bytes !== null && offer.bytes >= 0;
        const size = isKnown ? bytes(offer.bytes) : "of unknown size";
        const free = offer.bytes_free === null ? "" : ` (${bytes(offer.bytes_free)} free)`;
        const licence = fooocus.make("a", {
            href: offer.licence_url,
            target: "_blank",
            rel: "noreferrer noopener",
            textContent: offer.licence || "its makers' terms",
        });
        return fooocus.make(
            "p",
            { className: "fooocus-facts" },
            fooocus.make("strong", { textContent: offer.file }),
            `: ${size} from ${offer.host}, to ${offer.folder}${free}. Its licence, which downloading accepts: `,
            licence,
            "."
        );
    }

    function button(label, file, act) {
        const made = fooocus.make("button", { type: "button", textContent: label, "aria-label": `${label}: ${file}` });
        made.addEventListener("click", async () => {
            if (made.ariaBusy === "true") return;
            made.ariaBusy = "true"; // not disabled: that would take the focus away
            try {
                await act();
                await refresh();
            } catch (error) {
                say(file, error.message);
            }
            made.ariaBusy = "false";
        });
        return made;
    }

    const itemsOf = (file) => lists().flatMap((list) => Array.from(list.children).filter((item) => item.dataset.file === file));

    function say(file, text) {
        for (const item of itemsOf(file)) item.querySelector("[role=status]").textContent = text;
    }

    function buttonsFor(offer, state) {
        const file = offer.file;
        const post = (path, more = {}) => () => ask(path, { file, ...more });
        const drop = button("Cancel", file, post("/remove"));
        if (GOES_ON.includes(state)) return [button("Pause", file, post("/pause")), drop];
        if (state === "paused") return [button("Resume", file, post("/resume")), drop];
        if (state === "failed") return [button("Try again", file, post("/resume")), drop];
        if (offer.is_installed || state === "done") return [];
        if (offer.bytes === null) {
            return [button(`Ask ${offer.host} for the size`, file, async () => {
                offer.bytes = (await ask("/size", { file })).bytes;
                sizes.set(file, offer.bytes === null ? -1 : offer.bytes);
            })];
        }
        return [button("Download", file, post("", { accept_licence: true }))];
    }

    const sizes = new Map(); // of files whose size had to be asked for; -1 where nobody knows

    function wordsFor(offer, download) {
        const state = download ? download.state : "";
        if (state === "failed") return download.error;
        if (offer.is_installed || state === "done") return "It is there now.";
        return { waiting: "Waits for its turn.", running: "Is coming.", paused: "Paused." }[state] || "";
    }

    function numbers(download) {
        const total = download.bytes_total === null ? "" : ` of ${bytes(download.bytes_total)}`;
        const speed = download.bytes_per_second ? `, ${bytes(download.bytes_per_second)}/s` : "";
        const left = download.seconds_left === null ? "" : `, ${duration(download.seconds_left)} left`;
        return `${bytes(download.bytes_done)}${total}${speed}${left}`;
    }

    /** Show one file as it is now; its buttons stay the same elements until its state changes. */
    function show(item, offer) {
        const download = downloadOf(offer.file);
        const state = download ? download.state : "";
        const drawn = `${state} ${offer.is_installed} ${offer.bytes} ${known.refusal}`;
        if (item.dataset.drawn !== drawn) {
            const hadFocus = item.contains(document.activeElement);
            item.dataset.drawn = drawn;
            item.dataset.state = state;
            const bar = fooocus.make("progress", { max: 1, "aria-label": `Downloading ${offer.file}` });
            const buttons = known.refusal ? [] : buttonsFor(offer, state);
            item.replaceChildren(
                facts(offer),
                ...(download && !["done", "failed"].includes(state) ? [bar, fooocus.make("p", { className: "fooocus-numbers" })] : []),
                fooocus.make("p", { className: "fooocus-state", role: "status", textContent: wordsFor(offer, download) }),
                fooocus.make("p", { className: "fooocus-buttons" }, ...buttons, ...(known.refusal ? byHand(offer) : []))
            );
            if (hadFocus && buttons.length) buttons[0].focus();
        }
        const bar = item.querySelector("progress");
        if (!bar) return;
        if (download.bytes_total) bar.value = download.bytes_done / download.bytes_total;
        else bar.removeAttribute("value");
        item.querySelector(".fooocus-numbers").textContent = numbers(download);
    }

    function byHand(offer) {
        const link = fooocus.make("a", { href: offer.url, target: "_blank", rel: "noreferrer noopener", textContent: offer.url });
        return [fooocus.make("span", {}, `Not downloaded from here: ${known.refusal}. Published at `, link)];
    }

    const isListed = (list, offer) =>
        list.dataset.files === "*" || list.dataset.files.split("|").includes(offer.file);

    function draw() {
        for (const list of lists()) {
            for (const offer of known.files.filter((each) => isListed(list, each))) {
                let item = Array.from(list.children).find((each) => each.dataset.file === offer.file);
                if (!item) {
                    item = fooocus.make("li", { "data-file": offer.file });
                    list.append(item);
                }
                show(item, offer);
            }
        }
    }

    /** Put a list of the missing files that a message names into the message. */
    function readMessages() {
        for (const area of messages()) {
            for (const message of area.querySelectorAll(":scope > *, .prose > *")) {
                if (message.querySelector(`.prose, .${LIST}`) || message.matches(`.prose, .${LIST}`)) continue;
                const missing = known.files.filter((each) => !each.is_installed && names(message.textContent, each.file));
                if (!missing.length) continue;
                const files = missing.map((each) => each.file).join("|");
                message.append(fooocus.make("ul", { className: LIST, "data-files": files }));
            }
        }
    }

    /** Ask what there is, draw it, and go on asking while something comes. */
    async function refresh() {
        const before = known;
        known = await ask();
        for (const offer of known.files) {
            if (sizes.has(offer.file)) offer.bytes = sizes.get(offer.file);
        }
        arrived(before);
        readMessages();
        draw();
        follow();
    }

    /** Have the tab read its lists again, and fill in what a preset has been waiting for. */
    function arrived(before) {
        if (!before || !gradioApp().querySelector("#fooocus_refresh")) return;
        const done = (answer) => answer.downloads.filter((each) => each.state === "done").map((each) => each.file);
        const files = done(known).filter((file) => !done(before).includes(file));
        if (!files.length) return;
        fooocus.write("fooocus_arrived", JSON.stringify(files));
        setTimeout(() => fooocus.press("#fooocus_refresh"), 50);
    }

    async function follow() {
        if (polling) return;
        polling = true;
        while (known.downloads.some((each) => GOES_ON.includes(each.state))) {
            await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
            const downloads = await ask("/progress").catch(() => null);
            if (!downloads) continue;
            const states = (list) => list.map((each) => `${each.file} ${each.state}`).join();
            if (states(downloads) !== states(known.downloads)) {
                polling = false;
                refresh().catch(() => {});
                return;
            }
            known.downloads = downloads;
            draw();
        }
        polling = false;
    }

    const nameFile = (element) => known.files.some((offer) => names(element.textContent, offer.file));

    onUiLoaded(() => {
        let waiting;
        const isList = (node) => Boolean(node.classList && node.classList.contains(LIST));
        const isNew = (change) => !change.target.closest(`.${LIST}`) && !Array.from(change.addedNodes).every(isList);
        const observer = new MutationObserver((changes) => {
            if (!known || !changes.some(isNew)) return;
            clearTimeout(waiting);
            waiting = setTimeout(() => {
                if (messages().some(nameFile)) refresh().catch(() => {});
            }, 100);
        });
        for (const message of messages()) observer.observe(message, { childList: true, subtree: true });
        refresh().catch(() => {});
    });
})();
