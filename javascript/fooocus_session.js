/* The Fooocus tab: the settings of the last job, kept in this browser for the next visit. */
"use strict";

const FOOOCUS_SESSION = "fooocus_last_session";

/** Keep a job's settings, unless the job is private. */
function fooocusKeepSession(names, values) {
    const session = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    try {
        if (!session.private) localStorage.setItem(FOOOCUS_SESSION, JSON.stringify(session));
    } catch (error) {
        console.warn("The settings cannot be kept for the next visit:", error); // storage is full or forbidden
    }
    return [];
}

/** Take up the last session, if the settings page says so. */
function fooocusTakeUpSession() {
    let session = null;
    try {
        session = localStorage.getItem(FOOOCUS_SESSION);
    } catch (error) {
        return;
    }
    if (!session || opts.fooocus_start_with !== "last session") return;
    fooocus.write("fooocus_session", session);
    fooocus.press("#fooocus_apply_session");
}

onUiLoaded(() => {
    if (!fooocus.find("#fooocus_page")) return;
    fooocus.whenHeard(() => {
        fooocus.press("#fooocus_list_presets"); // the page's own list is as old as the server
        fooocusTakeUpSession();
    });
});
