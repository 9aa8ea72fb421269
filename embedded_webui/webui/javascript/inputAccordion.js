// Accordions that are inputs: a hidden checkbox of gradio's, an accordion, and a checkbox in its title are
// kept alike. Opening the accordion ticks both; ticking the one in the title need not open it.

function inputAccordionChecked(id, checked) {
    const accordion = gradioApp().getElementById(id);
    if (!accordion?.visibleCheckbox) return;
    if (accordion.visibleCheckbox.checked !== checked) {
        accordion.visibleCheckbox.checked = checked;
        accordion.onVisibleCheckboxChange();
    }
}

function setupAccordion(accordion) {
    const title = accordion.querySelector('.label-wrap');
    const hidden = gradioApp().querySelector(`#${accordion.id}-checkbox input`);
    const extra = gradioApp().querySelector(`#${accordion.id}-extra`);
    const isOpen = () => title.classList.contains('open');
    let linked = true;

    const checkbox = document.createElement('input');
    checkbox.type = 'checkbox';
    checkbox.id = `${accordion.id}-visible-checkbox`;
    checkbox.className = `${hidden.className} input-accordion-checkbox`;
    checkbox.checked = hidden.checked;
    title.querySelector('span').prepend(checkbox);
    if (extra) title.insertBefore(extra, title.lastElementChild);

    accordion.visibleCheckbox = checkbox;
    accordion.onVisibleCheckboxChange = () => {
        if (linked && isOpen() !== checkbox.checked) title.click();
        if (hidden.checked !== checkbox.checked) {
            hidden.checked = checkbox.checked;
            updateInput(hidden);
        }
    };
    checkbox.addEventListener('click', (event) => {
        linked = false;
        event.stopPropagation();
    });
    checkbox.addEventListener('input', accordion.onVisibleCheckboxChange);
    new MutationObserver(() => {
        accordion.classList.toggle('input-accordion-open', isOpen());
        if (linked && checkbox.checked !== isOpen()) {
            checkbox.checked = isOpen();
            accordion.onVisibleCheckboxChange();
        }
    }).observe(title, {attributes: true, attributeFilter: ['class']});
}

function setupAccordions() {
    gradioApp().querySelectorAll('.input-accordion').forEach((accordion) => {
        if (!accordion.visibleCheckbox && accordion.querySelector('.label-wrap')) setupAccordion(accordion);
    });
}

onUiLoaded(setupAccordions);
onAfterUiUpdate(setupAccordions);
