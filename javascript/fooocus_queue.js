/* The Fooocus tab's queue: what waits in this window, and what its finished pictures are. */
"use strict";

const fooocusQueue = {
    state: {jobs: [], open_jobs: 0, forever: false, version: ""},
    timer: null,
    known: false,
    asked: 0,
    PERIOD: 700,
    PATIENCE: 5000,

    randomName() {
        const bytes = crypto.getRandomValues(new Uint8Array(16));
        return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    },

    /** This window's name, as long as it is open: a reload keeps it, another window has another. */
    window() {
        const name = sessionStorage.getItem("fooocus_window") || fooocusQueue.randomName();
        sessionStorage.setItem("fooocus_window", name);
        return name;
    },

    ask(path, body) {
        const window = fooocusQueue.window();
        if (body === undefined) return fooocus.ask(`queue?window=${window}`);
        return fooocus.ask(`queue${path}`, {window, ...body});
    },

    /** Add a job; what is wrong with it is said where messages are, and its task is over then. */
    async add(job, contents = async () => ({})) {
        try {
            fooocusQueue.refuse("");
            fooocusQueue.update(await fooocusQueue.ask("/add", {...job, ...(await contents())}));
        } catch (error) {
            fooocusQueue.refuse(error.message, job.job);
        }
        fooocusQueue.soon();
    },

    refuse(text, task = "") {
        fooocus.find("#html_log_fooocus > .fooocus-refused")?.remove();
        if (!text) return;
        const className = "fooocus-notice fooocus-notice-error fooocus-refused";
        const sentence = fooocus.make("p", {textContent: text});
        const notice = fooocus.make("div", {className, role: "alert", "data-task": task}, sentence);
        fooocus.find("#html_log_fooocus").prepend(notice);
    },

    /** Change something in the queue, and say what became of it. */
    async change(path, body, said) {
        try {
            fooocusQueue.update(await fooocusQueue.ask(path, body));
            fooocusQueue.say(said || "");
        } catch (error) {
            fooocusQueue.say(error.message);
            fooocusQueue.soon();
        }
    },

    say(text) {
        fooocus.find(".fooocus-queue-said").textContent = text;
    },

    soon() {
        clearTimeout(fooocusQueue.timer);
        fooocusQueue.timer = setTimeout(fooocusQueue.look, 50);
    },

    /** Ask how the queue stands, and again as long as a job of this window is in it. */
    async look() {
        clearTimeout(fooocusQueue.timer);
        try {
            fooocusQueue.update(await fooocusQueue.ask(""));
        } catch (error) {
            // The server is being restarted, or the network is down: the jobs are on the server's disk.
        }
        const isOver = fooocusQueue.known && !fooocusQueue.openJobs().length && fooocusQueue.isShown();
        if (!isOver) fooocusQueue.timer = setTimeout(fooocusQueue.look, fooocusQueue.PERIOD);
    },

    failed: () => fooocusQueue.state.jobs.filter((job) => job.state === "failed"),
    openJobs: () => fooocusQueue.state.jobs.filter((job) => job.state !== "failed"),
    waiting: () => fooocusQueue.state.jobs.filter((job) => job.state === "waiting"),
    running: () => fooocusQueue.state.jobs.find((job) => job.state === "running"),

    update(state) {
        const isFirst = !fooocusQueue.known;
        fooocusQueue.state = state;
        fooocusQueue.known = true;
        const running = fooocusQueue.running();
        if (isFirst && fooocusQueue.openJobs().length) {
            switch_to_fooocus();
            fooocus.write("fooocus_prompt", sessionStorage.getItem("fooocus_prompt") || "");
        }
        if (running) fooocus.follow(running.id);
        fooocusQueue.showButtons(running);
        fooocusQueue.showForever();
        fooocusQueueList.draw(state);
        fooocusQueue.showPictures();
    },

    showButtons(running) {
        const page = fooocus.find("#fooocus_page");
        page.classList.toggle("fooocus-running", Boolean(running));
        page.setAttribute("aria-busy", String(Boolean(running)));
        const label = fooocusQueue.waiting().length ? "Stop this one" : "Stop";
        const stop = fooocus.find("#fooocus_interrupt");
        if (stop.textContent !== label) stop.textContent = label;
    },

    /** The checkbox says what the server does, as long as there is a job that could be repeated. */
    showForever() {
        if (fooocusQueue.openJobs().length) fooocusQueue.setForever(fooocusQueue.state.forever);
    },

    /** Set the checkbox without asking the server for anything. */
    setForever(forever) {
        const box = fooocus.find("#fooocus_forever input");
        fooocusQueue.mirroring = true;
        if (box.checked !== forever) box.click();
        fooocusQueue.mirroring = false;
    },

    /** What the server has last given this page to show. */
    shown() {
        const text = fooocus.read("fooocus_shown");
        return text ? JSON.parse(text) : {version: "", pictures: []};
    },

    isShown: () => fooocusQueue.shown().version === fooocusQueue.state.version,

    showPictures() {
        const now = Date.now();
        if (fooocusQueue.isShown() || now - fooocusQueue.asked < fooocusQueue.PATIENCE) {
            if (fooocusQueue.isShown()) fooocusQueue.asked = 0;
            return;
        }
        fooocusQueue.asked = now;
        fooocus.press("#fooocus_show");
    },

    skip() {
        const running = fooocusQueue.running();
        if (running) fooocusQueue.change("/skip", {job: running.id});
    },

    stop() {
        const running = fooocusQueue.running();
        if (!running) return;
        fooocusQueue.setForever(false); // what is stopped stays stopped
        fooocusQueue.change("/stop", {job: running.id});
    },

    stopAll() {
        fooocusQueue.setForever(false);
        fooocusQueue.change("/clear", {}, "Everything that waited in this window is removed.");
    },

    async retryAll() {
        const reasons = new Set();
        for (const job of fooocusQueue.failed()) {
            await fooocusQueue.ask("/retry", {job: job.id}).then(fooocusQueue.update, (error) => reasons.add(error.message));
        }
        fooocusQueue.say([...reasons].join(" ") || "The failed jobs wait again.");
        fooocusQueue.soon();
    },

    repeat(event) {
        if (fooocusQueue.mirroring || !fooocusQueue.openJobs().length) return;
        fooocusQueue.change("/repeat", {forever: event.target.checked});
    },
};

/** The list of the jobs that wait, run or have failed. */
const fooocusQueueList = {
    drawn: "",
    isHeld: false,

    draw(state) {
        if (fooocusQueueList.isHeld) return; // a row that is replaced loses its click or its drag
        const now = JSON.stringify(state.jobs) + state.open_jobs;
        if (now === fooocusQueueList.drawn) return;
        fooocusQueueList.drawn = now;
        const section = fooocus.find(".fooocus-queue");
        if (!section) return; // the webui's "Reload UI" has emptied the page
        const isNeeded = state.jobs.length > 1 || state.jobs.some((job) => job.state !== "running");
        section.hidden = !isNeeded;
        fooocus.find("#fooocus_queue").classList.toggle("fooocus-empty", !isNeeded);
        section.querySelector(".fooocus-retry-all").hidden = fooocusQueue.failed().length < 2;
        section.querySelector(".fooocus-clear").hidden = !fooocusQueue.openJobs().length;
        const focus = fooocusQueueList.focused();
        const waiting = fooocusQueue.waiting();
        section.querySelector("ol").replaceChildren(
            ...state.jobs.map((job) => fooocusQueueList.row(job, waiting, state.open_jobs))
        );
        fooocusQueueList.hideTold();
        fooocusQueueList.focus(focus);
    },

    /** Draw what has come while a row was held; not before the click that ends it. */
    release() {
        setTimeout(() => {
            fooocusQueueList.isHeld = false;
            fooocusQueueList.draw(fooocusQueue.state);
        });
    },

    /** A reason that stands among the messages is not said a second time in the list. */
    hideTold() {
        for (const reason of gradioApp().querySelectorAll(".fooocus-job-error")) {
            const job = reason.closest("li").dataset.job;
            reason.hidden = Boolean(fooocus.find(`#html_log_fooocus [data-task="${job}"]`));
        }
    },

    row(job, waiting, open) {
        const row = fooocus.make(
            "li",
            {"data-job": job.id, className: `fooocus-job fooocus-job-${job.state}`},
            fooocusQueueList.text(job, open),
            ...fooocusQueueList.buttons(job, waiting)
        );
        row.addEventListener("mousedown", () => {
            fooocusQueueList.isHeld = true;
            document.addEventListener("mouseup", fooocusQueueList.release, {once: true});
        });
        if (job.state === "waiting") {
            row.draggable = waiting.length > 1;
            row.addEventListener("dragstart", (event) => {
                event.dataTransfer.setData("application/x-fooocus-job", job.id);
                event.dataTransfer.effectAllowed = "move";
            });
            row.addEventListener("dragend", fooocusQueueList.release);
            row.addEventListener("dragover", (event) => event.preventDefault());
            row.addEventListener("drop", (event) => fooocusQueueList.drop(event, job, waiting));
        }
        return row;
    },

    text(job, open) {
        const where = {
            running: `Running, ${job.made} of ${job.image_number} done`,
            waiting: `${job.place} of ${open}`,
            failed: "Failed",
        }[job.state];
        const prompt = [fooocusQueueList.action(job), job.prompt || "(no prompt)"].filter(Boolean).join(": ");
        const title = job.error || job.prompt;
        return fooocus.make(
            "span",
            {className: "fooocus-job-text"},
            fooocus.make("strong", {textContent: where}),
            " ",
            fooocus.make("span", {className: "fooocus-job-prompt", textContent: prompt, title}),
            ...(job.error ? [" ", fooocus.make("span", {className: "fooocus-job-error", textContent: job.error})] : [])
        );
    },

    action(job) {
        const button = job.action === "generate" ? null : fooocus.find(`#fooocus_${job.action}`);
        const kind = job.action === "edit" ? "Edit" : button ? button.textContent.trim() : "";
        return [job.private ? "Private" : "", kind].filter(Boolean).join(", ");
    },

    buttons(job, waiting) {
        const place = waiting.indexOf(job);
        const shown = (job.prompt || "the job").slice(0, 40);
        const make = (name, sign, label, act) => {
            const button = fooocus.make("button", {
                type: "button",
                textContent: sign,
                title: label,
                "aria-label": `${label}: ${shown}`,
                "data-name": name,
            });
            button.addEventListener("click", act);
            return button;
        };
        const buttons = [];
        if (place > 0) {
            buttons.push(make("up", "↑", "Move up", () => fooocusQueueList.move(job, waiting[place - 1], place)));
        }
        if (place >= 0 && place < waiting.length - 1) {
            buttons.push(make("down", "↓", "Move down", () => {
                fooocusQueueList.move(job, waiting[place + 2], place + 2);
            }));
        }
        if (job.state === "failed") {
            buttons.push(make("retry", "Try again", "Try again", () => {
                fooocusQueue.change("/retry", {job: job.id}, "The job waits again.");
            }));
        }
        if (job.state !== "running") {
            buttons.push(make("remove", "✕", "Remove", () => {
                fooocusQueue.change("/remove", {job: job.id}, "The job is removed.");
            }));
        }
        return buttons;
    },

    move(job, before, place) {
        const said = `Moved to place ${place} of this window's jobs.`;
        fooocusQueue.change("/move", {job: job.id, before: before ? before.id : null}, said);
    },

    drop(event, target, waiting) {
        event.preventDefault();
        const moved = waiting.findIndex((job) => job.id === event.dataTransfer.getData("application/x-fooocus-job"));
        const at = waiting.indexOf(target);
        if (moved < 0 || moved === at) return;
        fooocusQueueList.move(waiting[moved], moved < at ? waiting[at + 1] : target, at + 1);
    },

    focused() {
        const button = document.activeElement?.closest?.(".fooocus-job button");
        return button ? {job: button.closest("li").dataset.job, name: button.dataset.name} : null;
    },

    /** Give the focus back to the same button of the same job, or to what is nearest to it. */
    focus(before) {
        if (!before) return;
        const row = fooocus.find(`.fooocus-job[data-job="${before.job}"]`);
        const nearest = row || fooocus.find(".fooocus-job-waiting");
        const button = nearest?.querySelector(`[data-name="${before.name}"]`) || nearest?.querySelector("button");
        (button || fooocus.find("#fooocus_generate")).focus();
    },
};

onUiLoaded(() => {
    const page = fooocus.find("#fooocus_page");
    if (!page) return;
    page.addEventListener("click", (event) => {
        if (event.target.closest("#fooocus_skip")) fooocusQueue.skip();
        if (event.target.closest("#fooocus_interrupt")) fooocusQueue.stop();
        if (event.target.closest(".fooocus-clear")) fooocusQueue.stopAll();
        if (event.target.closest(".fooocus-retry-all")) fooocusQueue.retryAll();
    });
    fooocus.find("#fooocus_forever input").addEventListener("change", fooocusQueue.repeat);
    fooocusQueue.look();
});

onUiUpdate(fooocusQueueList.hideTold);
