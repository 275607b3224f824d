// The board of `paint`: shows Python's picture, draws the stroke at hand over it, and sends it on.
const PIECE = 80; // ms between two pieces of a stroke
const STEP = 4; // pixels that an arrow key moves the cursor

function render({ model, el }) {
  const [columns, rows] = model.get("size");
  const board = document.createElement("div");
  board.className = "drawing-board";
  Object.assign(board.style, { position: "relative", width: `${model.get("width")}px`, maxWidth: "100%" });
  const picture = document.createElement("img");
  Object.assign(picture.style, { display: "block", width: "100%" });
  const over = document.createElement("canvas");
  over.width = model.get("width");
  over.height = (over.width * rows) / columns;
  over.tabIndex = 0;
  over.setAttribute("role", "application");
  Object.assign(over.style, {
    position: "absolute", left: 0, top: 0, width: "100%", height: "100%",
    cursor: "crosshair", touchAction: "none",
  });
  board.append(picture, over);
  el.append(board);
  const pen = over.getContext("2d");
  const scale = over.width / columns;

  let address = null;
  const show = () => {
    const old = address;
    address = URL.createObjectURL(new Blob([model.get("value")], { type: "image/png" }));
    picture.src = address;
    if (old) URL.revokeObjectURL(old);
    picture.alt = model.get("label");
    over.setAttribute("aria-label",
      `${model.get("label")} Arrow keys move the brush, Space puts it down and lifts it.`);
  };
  model.on("change:value", show);
  model.on("change:label", show);
  show();

  let down = false; // whether the mouse or the finger is pressed
  let keyed = false; // whether Space has put the brush down
  let points = []; // what hasn't been sent yet
  let number = 0;
  let timer = null;
  let cursor = [columns / 2, rows / 2];

  const clear = () => pen.clearRect(0, 0, over.width, over.height);
  const ring = ([x, y]) => {
    pen.beginPath();
    pen.arc(x * scale, y * scale, model.get("brush") * scale, 0, 7);
    pen.lineWidth = 1.5;
    pen.strokeStyle = keyed || down ? "#fff" : "#F0E442";
    pen.stroke();
  };
  const mark = ([x, y]) => {
    pen.beginPath();
    pen.arc(x * scale, y * scale, model.get("brush") * scale, 0, 7);
    pen.fillStyle = model.get("erasing") ? "rgba(0, 0, 0, 0.25)" : "rgba(230, 159, 0, 0.25)";
    pen.fill();
  };
  const send = (whole) => {
    timer = null;
    if (!points.length) return;
    number += 1;
    model.set("stroke", { n: number, points });
    model.save_changes();
    points = whole ? [] : points.slice(-1); // the next piece goes on from here
  };
  const add = (point) => {
    points.push(point);
    mark(point);
    if (timer === null) timer = setTimeout(() => send(false), PIECE);
  };
  const finish = () => {
    clearTimeout(timer);
    send(true);
    setTimeout(() => { if (!down) { clear(); if (document.activeElement === over) ring(cursor); } }, 300);
  };
  const place = (event) => {
    const box = over.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * columns - 0.5,
            ((event.clientY - box.top) / box.height) * rows - 0.5];
  };

  over.addEventListener("pointerdown", (event) => {
    down = true;
    try { over.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
    add((cursor = place(event)));
    over.focus({ preventScroll: true });
    event.preventDefault();
  });
  over.addEventListener("pointermove", (event) => { if (down) add((cursor = place(event))); });
  for (const end of ["pointerup", "pointercancel"]) {
    over.addEventListener(end, () => { if (down) { down = false; finish(); } });
  }
  over.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter has its own use for these keys
    if (move) {
      const step = event.shiftKey ? 1 : STEP;
      cursor = [Math.min(Math.max(cursor[0] + step * move[0], 0), columns - 1),
                Math.min(Math.max(cursor[1] + step * move[1], 0), rows - 1)];
    } else {
      keyed = !keyed;
    }
    clear();
    if (keyed) add(cursor); else if (!move) finish();
    ring(cursor);
  });
  over.addEventListener("focus", () => { if (!down) ring(cursor); });
  over.addEventListener("blur", () => { if (keyed) { keyed = false; finish(); } clear(); });
  return () => { clearTimeout(timer); if (address) URL.revokeObjectURL(address); };
}

export default { render };
