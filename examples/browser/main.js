/** The page: sliders and buttons, and one slice of the training before each picture. */
import { loadBirds } from './birds.js';
import { Curve } from './curve.js';
import { pointColour, Regions, regionColour } from './regions.js';
import { Trainer } from './trainer.js';

/** Slow enough to be watched. */
const STEPS_PER_PICTURE = 4;

/** @template {HTMLElement} E @returns {E} */
const element = (id) => document.getElementById(id);
const show = (id, text) => {
  element(id).value = text;
};

/** Both sliders, in the order of the components. */
const sliders = ['alpha', 'beta'].map(element);
const weights = () => sliders.map((slider) => slider.valueAsNumber);

/** A sample of every region, with the mark that its birds have. */
function fillLegend({ groups: [species, sexes] }) {
  const items = species.flatMap((name, s) =>
    sexes.map((sex, x) => {
      const item = document.createElement('li');
      const swatch = document.createElement('span');
      swatch.className = `swatch ${sex.toLowerCase()}`;
      swatch.style.background = regionColour(s, x);
      swatch.style.color = pointColour(s);
      item.append(swatch, `${name}, ${sex.toLowerCase()}`);
      return item;
    }),
  );
  element('legend').replaceChildren(...items);
}

function startPage(birds) {
  const trainer = new Trainer(birds, weights());
  const regions = new Regions(element('regions'), birds);
  const curve = new Curve(element('curve'));
  let losses = trainer.measure();
  let running = false;
  let frame = 0;

  function draw() {
    regions.draw(trainer);
    curve.draw();
    show('step', String(trainer.step));
    ['species', 'sex'].forEach((part, m) => {
      show(`loss-${part}`, losses[m].toFixed(3));
    });
    for (const [part, { value, note }] of Object.entries(trainer.scores())) {
      show(`accuracy-${part}`, `${(100 * value).toFixed(1)} %`);
      element(`accuracy-${part}`).title = note;
    }
  }

  function slice() {
    for (let i = 0; i < STEPS_PER_PICTURE; i++) {
      const step = trainer.step;
      losses = trainer.train();
      curve.add(step, losses);
    }
    draw();
    frame = requestAnimationFrame(slice);
  }

  function setRunning(value) {
    running = value;
    element('run').textContent = running ? 'Pause' : trainer.step > 0 ? 'Continue' : 'Start';
    if (running) frame = requestAnimationFrame(slice);
    else cancelAnimationFrame(frame);
  }

  element('run').addEventListener('click', () => setRunning(!running));
  element('reset').addEventListener('click', () => {
    trainer.reset();
    curve.reset();
    losses = trainer.measure();
    setRunning(false);
    draw();
  });
  for (const slider of sliders) {
    slider.addEventListener('input', () => {
      show(`${slider.id}-value`, slider.valueAsNumber.toFixed(1));
      trainer.setWeights(weights());
      curve.change(trainer.step);
    });
  }
  addEventListener('resize', draw);

  fillLegend(birds);
  draw();
  for (const id of ['run', 'reset']) element(id).disabled = false;
  const count = birds.points.length;
  const tested = birds.test.target.length;
  return `${count} birds, ${count - tested} to train and ${tested} to test. lossmith runs its ${trainer.tier} kernels.`;
}

loadBirds('/data/penguins.json')
  .then(startPage)
  .catch((error) => {
    console.error(error);
    return `That did not work: ${error.message}`;
  })
  .then((text) => {
    element('status').textContent = text;
  });
