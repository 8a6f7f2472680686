/* png: pictures of 8 bits a channel as bytes RGBA, read and written: enough for what the browser gives and git keeps. */
import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const CHANNELS = { 2: 3, 6: 4 };

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) {
        c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    }
    return c >>> 0;
});

function crc(data) {
    let c = 0xffffffff;
    for (const byte of data) {
        c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
    }
    return (c ^ 0xffffffff) >>> 0;
}

function paeth(a, b, c) {
    const p = a + b - c;
    const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* unfilter undoes the five filters of a line, in place. */
function unfilter(raw, width, height, size) {
    const line = width * size;
    const out = Buffer.alloc(line * height);
    for (let y = 0; y < height; y++) {
        const kind = raw[y * (line + 1)];
        for (let i = 0; i < line; i++) {
            const left = i >= size ? out[y * line + i - size] : 0;
            const up = y > 0 ? out[(y - 1) * line + i] : 0;
            const corner = i >= size && y > 0 ? out[(y - 1) * line + i - size] : 0;
            const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind];
            out[y * line + i] = raw[y * (line + 1) + 1 + i] + guess;
        }
    }
    return out;
}

/** decode reads a PNG that is not interlaced. */
export function decode(file) {
    if (!file.subarray(0, 8).equals(SIGNATURE)) {
        throw new Error('not a PNG');
    }
    const parts = [];
    let head;
    for (let at = 8; at + 12 <= file.length;) {
        const length = file.readUInt32BE(at);
        const kind = file.toString('latin1', at + 4, at + 8);
        const data = file.subarray(at + 8, at + 8 + length);
        if (kind === 'IHDR') {
            head = { width: data.readUInt32BE(0), height: data.readUInt32BE(4), bits: data[8], color: data[9], interlace: data[12] };
        } else if (kind === 'IDAT') {
            parts.push(data);
        }
        at += length + 12;
    }
    const size = CHANNELS[head?.color];
    if (!size || head.bits !== 8 || head.interlace !== 0) {
        throw new Error('a PNG of a kind that is not read here');
    }
    const { width, height } = head;
    const pixels = unfilter(inflateSync(Buffer.concat(parts)), width, height, size);
    const rgba = Buffer.alloc(width * height * 4, 255);
    for (let i = 0; i < width * height; i++) {
        pixels.copy(rgba, i * 4, i * size, i * size + size);
    }
    return { width, height, rgba };
}

function chunk(kind, data) {
    const out = Buffer.alloc(data.length + 12);
    out.writeUInt32BE(data.length, 0);
    out.write(kind, 4, 'latin1');
    data.copy(out, 8);
    out.writeUInt32BE(crc(out.subarray(4, 8 + data.length)), 8 + data.length);
    return out;
}

/** encode writes a picture without its alpha, each line as the difference to the one above or plain, whichever packs better as a whole. */
export function encode({ width, height, rgba }) {
    const line = width * 3;
    const forms = [0, 2].map((kind) => {
        const raw = Buffer.alloc((line + 1) * height);
        for (let y = 0; y < height; y++) {
            raw[y * (line + 1)] = kind;
            for (let i = 0; i < line; i++) {
                const pixel = (y * width + Math.floor(i / 3)) * 4 + (i % 3);
                const up = kind === 2 && y > 0 ? rgba[pixel - width * 4] : 0;
                raw[y * (line + 1) + 1 + i] = rgba[pixel] - up;
            }
        }
        return deflateSync(raw, { level: 9 });
    });
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2, 0, 0, 0], 8);
    return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('IDAT', forms[0].length <= forms[1].length ? forms[0] : forms[1]), chunk('IEND', Buffer.alloc(0))]);
}

/** crop cuts a part out of a picture. */
export function crop({ width, rgba }, x, y, w, h) {
    const out = Buffer.alloc(w * h * 4);
    for (let row = 0; row < h; row++) {
        rgba.copy(out, row * w * 4, ((y + row) * width + x) * 4, ((y + row) * width + x + w) * 4);
    }
    return { width: w, height: h, rgba: out };
}

/** compare counts the pixels of which a channel differs by more than `least`, and paints them red over a pale copy. */
export function compare(old, now, least) {
    if (old.width !== now.width || old.height !== now.height) {
        return { differing: Infinity, picture: now };
    }
    const rgba = Buffer.alloc(old.rgba.length, 255);
    let differing = 0;
    for (let i = 0; i < rgba.length; i += 4) {
        const far = Math.max(Math.abs(old.rgba[i] - now.rgba[i]), Math.abs(old.rgba[i + 1] - now.rgba[i + 1]), Math.abs(old.rgba[i + 2] - now.rgba[i + 2]));
        if (far > least) {
            differing++;
            rgba.set([255, 0, 60, 255], i);
        } else {
            const grey = 255 - Math.floor((255 - now.rgba[i + 1]) / 4);
            rgba.set([grey, grey, grey, 255], i);
        }
    }
    return { differing, picture: { width: old.width, height: old.height, rgba } };
}

/** beside puts pictures next to each other. */
export function beside(pictures, gap = 8) {
    const width = pictures.reduce((sum, p) => sum + p.width, gap * (pictures.length - 1));
    const height = Math.max(...pictures.map((p) => p.height));
    const rgba = Buffer.alloc(width * height * 4, 128);
    let left = 0;
    for (const one of pictures) {
        for (let y = 0; y < one.height; y++) {
            one.rgba.copy(rgba, (y * width + left) * 4, y * one.width * 4, (y + 1) * one.width * 4);
        }
        left += one.width + gap;
    }
    return { width, height, rgba };
}
