/** Zoom and pan of the graph: wheel, drag, pinch, buttons, keys. */

const [LEAST, MOST, STEP] = [0.15, 2.5, 1.25];

export class View {
  #pointers = new Map();
  #size = { width: 1, height: 1 };
  #moved = 0;

  constructor(svg, canvas) {
    this.svg = svg;
    this.canvas = canvas;
    this.touched = false; // the user chose a view: a new size of the window does not change it
    this.x = this.y = 0;
    this.scale = 1;
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, (event) => this.#pointers.delete(event.pointerId));
    svg.addEventListener("click", (event) => this.#moved > 4 && event.stopPropagation(), true); // it was a drag
    new ResizeObserver(() => this.touched || this.fit()).observe(svg);
  }

  /** Show everything; `size`: of the drawing. */
  fit(size = this.#size) {
    this.#size = size;
    this.touched = false;
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!width || !height) return;
    this.scale = Math.min(Math.max(Math.min(width / size.width, height / size.height), LEAST), 1.25);
    this.x = (width - size.width * this.scale) / 2;
    this.y = (height - size.height * this.scale) / 2;
    this.#apply();
  }

  zoom(factor, at = { x: this.svg.clientWidth / 2, y: this.svg.clientHeight / 2 }) {
    const scale = Math.min(Math.max(this.scale * factor, LEAST), MOST);
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.touched = true;
    this.#apply();
  }

  in() {
    this.zoom(STEP);
  }

  out() {
    this.zoom(1 / STEP);
  }

  /** Move so that the rectangle is seen. */
  reveal({ x, y, width, height }) {
    const margin = 16;
    const [left, top] = [x * this.scale + this.x, y * this.scale + this.y];
    const [right, bottom] = [left + width * this.scale, top + height * this.scale];
    const { clientWidth, clientHeight } = this.svg;
    const dx = left < margin ? margin - left : right > clientWidth - margin ? clientWidth - margin - right : 0;
    const dy = top < margin ? margin - top : bottom > clientHeight - margin ? clientHeight - margin - bottom : 0;
    if (dx || dy) {
      this.x += dx;
      this.y += dy;
      this.touched = true;
      this.#apply();
    }
  }

  #apply() {
    this.canvas.setAttribute("transform", `translate(${this.x.toFixed(1)} ${this.y.toFixed(1)}) scale(${this.scale.toFixed(4)})`);
    this.svg.classList.toggle("far", this.scale < 0.55);
  }

  #wheel(event) {
    event.preventDefault();
    const { left, top } = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), { x: event.clientX - left, y: event.clientY - top });
  }

  #down(event) {
    this.#moved = 0;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  #move(event) {
    const last = this.#pointers.get(event.pointerId);
    if (!last) return;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    this.#moved += Math.abs(dx) + Math.abs(dy);
    if (this.#moved > 4 && !this.svg.hasPointerCapture(event.pointerId)) this.svg.setPointerCapture(event.pointerId);
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (others.length) {
      const { left, top } = this.svg.getBoundingClientRect();
      const spread = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
      const here = { x: event.clientX, y: event.clientY };
      const middle = { x: (here.x + others[0].x) / 2 - left, y: (here.y + others[0].y) / 2 - top };
      this.zoom(spread(here, others[0]) / spread(last, others[0]), middle);
    } else if (this.#moved > 4) {
      this.x += dx;
      this.y += dy;
      this.touched = true;
      this.#apply();
    }
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }
}
