// What the browser remembers; a browser that refuses is as good as one that forgot.

function tryLocalStorage(action, otherwise) {
    try {
        return action();
    } catch (error) {
        console.warn('localStorage is not available', error);
        return otherwise;
    }
}

function localSet(key, value) {
    tryLocalStorage(() => localStorage.setItem(key, value));
}

function localGet(key, otherwise) {
    return tryLocalStorage(() => localStorage.getItem(key), otherwise);
}

function localRemove(key) {
    tryLocalStorage(() => localStorage.removeItem(key));
}
