// Boxes with the numbers of elements, drawn onto a picture here: nothing is put into the page.

// The elements in view that have a number and can be acted on, with their boxes.
function boxesInView() {
  const found = [];
  for (const [number, weak] of known.nodes) {
    const element = weak.deref();
    if (!element || !isConnected(element) || elementOfRef(number).is || !isVisible(element)) continue;
    if (POINTED_AT.has(roleOf(element))) continue;
    const [box] = boxesOf(element);
    const doc = ownerDocument(element);
    const start = toTop(doc, box.left, box.top);
    const end = toTop(doc, box.right, box.bottom);
    if (end.x <= 0 || end.y <= 0) continue;
    found.push([number, start.x, start.y, end.x - start.x, end.y - start.y]);
    if (found.length >= 2000) break;
  }
  return { boxes: found, scroll: [scrollX, scrollY] };
}

const MARK_COLOURS = ['#c00', '#06c', '#080', '#909', '#a50', '#077'];

// Returns the picture with the boxes, as base64. Boxes are in pixels of the picture.
async function drawMarks({ data, mime, quality, boxes }) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: mime }));
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  pen.font = 'bold 12px sans-serif';
  pen.textBaseline = 'top';
  pen.lineWidth = 2;
  for (const [number, x, y, width, height] of boxes) {
    const colour = MARK_COLOURS[number % MARK_COLOURS.length];
    pen.strokeStyle = colour;
    pen.strokeRect(x, y, width, height);
    const label = `@e${number}`;
    const room = pen.measureText(label).width + 4;
    const left = Math.max(0, Math.min(x, picture.width - room));
    const top = y >= 15 ? y - 15 : y;
    pen.fillStyle = colour;
    pen.fillRect(left, top, room, 15);
    pen.fillStyle = '#fff';
    pen.fillText(label, left + 2, top + 2);
  }
  const blob = await canvas.convertToBlob({ type: mime, quality: quality === null ? undefined : quality / 100 });
  const out = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let at = 0; at < out.length; at += 0x8000) text += String.fromCharCode(...out.subarray(at, at + 0x8000));
  return btoa(text);
}
