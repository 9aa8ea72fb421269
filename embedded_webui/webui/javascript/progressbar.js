// A bar above the gallery and a preview inside it while a task runs, from /internal/progress.

function request(url, data, handler, errorHandler) {
    fetch(url, {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify(data),
    }).then((response) => {
        if (!response.ok) throw new Error(`${url}: ${response.status}`);
        return response.json();
    }).then(handler).catch((error) => {
        console.error(error);
        errorHandler();
    });
}

function pad2(number) {
    return String(number).padStart(2, '0');
}

/** Seconds as "5s", "01:05" or "01:00:05". */
function formatTime(seconds) {
    const whole = Math.floor(seconds);
    const clock = [pad2(Math.floor(whole / 60) % 60), pad2(whole % 60)];
    if (seconds > 3600) return [pad2(Math.floor(whole / 3600)), ...clock].join(':');
    return seconds > 60 ? clock.join(':') : `${whole}s`;
}

var originalAppTitle = undefined;

onUiLoaded(() => {
    originalAppTitle = document.title;
});

function setTitle(progress) {
    if (originalAppTitle === undefined) return;
    const shown = opts.show_progress_in_title && progress ? `[${progress.trim()}] ` : '';
    document.title = shown + originalAppTitle;
}

/** A new task's id. */
function randomId() {
    const letters = () => Math.random().toString(36).slice(2, 7);
    return `task(${letters()}${letters()}${letters()})`;
}

function progressText(response) {
    const parts = [];
    if (response.textinfo && !response.textinfo.includes('\n')) parts.push(response.textinfo);
    if (response.progress > 0) parts.push(`${(response.progress * 100).toFixed(0)}%`);
    if (response.eta) parts.push(`ETA: ${formatTime(response.eta)}`);
    return parts.join(' ');
}

/**
 * Shows how far a task is until it ends; then everything shown is removed and atEnd called.
 * The bar goes before progressbarContainer, the preview into gallery (or nowhere); onProgress gets each
 * answer. A task that is neither waiting nor running for inactivityTimeout seconds counts as ended.
 */
function requestProgress(id_task, progressbarContainer, gallery, atEnd, onProgress, inactivityTimeout = 40) {
    const started = Date.now();
    const period = () => opts.live_preview_refresh_period || 500;
    const parent = progressbarContainer.parentNode;
    const bar = document.createElement('div');
    const filled = document.createElement('div');
    let preview = null;
    let everActive = false;
    let over = false;

    bar.className = 'progressDiv';
    bar.style.display = opts.show_progressbar === false ? 'none' : 'block';
    filled.className = 'progress';
    bar.appendChild(filled);
    parent.insertBefore(bar, progressbarContainer);

    function end() {
        if (over) return;
        over = true;
        setTitle('');
        bar.remove();
        preview?.remove();
        atEnd();
    }

    function showBar(response) {
        const fraction = response.progress || 0;
        filled.style.width = `${fraction * 100}%`;
        filled.style.background = fraction ? '' : 'transparent';
        filled.textContent = progressText(response);
        setTitle(fraction ? `${(fraction * 100).toFixed(0)}%` : '');
    }

    function followProgress() {
        request('./internal/progress', {id_task, live_preview: false}, (response) => {
            if (over) return;
            const idle = !response.active && !response.queued;
            const late = (Date.now() - started) / 1000 > inactivityTimeout;
            everActive ||= response.active;
            if (response.completed || (everActive && !response.active) || (idle && late)) {
                end();
                return;
            }
            showBar(response);
            onProgress?.(response);
            setTimeout(followProgress, period());
        }, end);
    }

    function showPreview(source) {
        const image = new Image();
        image.onload = () => {
            if (over) return;
            if (!preview) {
                preview = document.createElement('div');
                preview.className = 'livePreview';
                gallery.prepend(preview);
            }
            preview.appendChild(image);
            // The one before stays below it until it is drawn.
            while (preview.childElementCount > 2) preview.firstElementChild.remove();
        };
        image.src = source;
    }

    function followPreview(id_live_preview) {
        request('./internal/progress', {id_task, id_live_preview}, (response) => {
            if (over) return;
            if (response.live_preview) showPreview(response.live_preview);
            setTimeout(() => followPreview(response.id_live_preview), period());
        }, end);
    }

    followProgress();
    if (gallery) followPreview(0);
}
