// Where each number of a Gaussian lies in the words that the graphics card reads, and the shader text that
// reads it back. The page and its worker share this file.

const FIELD_NAMES = [
  "X", "Y", "Z",
  "S0R", "S0G", "S0B", "S1R", "S1G", "S1B", "S2R", "S2G", "S2B", "S3R", "S3G", "S3B",
  "OPACITY", "DX", "DY", "DZ",
  "A00", "A10", "A11", "A20", "A21", "A22",
  "B00", "B01", "B02", "B10", "B11", "B12", "B20", "B21", "B22",
  "C00", "C10", "C11", "C20", "C21", "C22", "LABEL"];
const TEXTURE_WIDTH = 4096;

// Wide fields first, so that none straddles two words.
function placeFields(channels) {
  const places = new Array(channels.length).fill(null);
  let bit = 0;
  for (const bits of [16, 8]) {
    channels.forEach((channel, index) => {
      if (channel.bits !== bits) return;
      places[index] = { word: bit >> 5, shift: bit & 31, bits };
      bit += bits;
    });
  }
  const texels = Math.max(1, Math.ceil(bit / 128));
  return { places, texels };
}

function glslNumber(value) {
  return `(${value.toExponential(9)})`;
}

function fieldShader(channels) {
  const { places, texels } = placeFields(channels);
  let text = `uniform highp usampler2D uData;\nuvec4 splatTexel[${texels}];\n` +
    "void splatFetch(uint index) {\n" +
    `  int first = int(index) * ${texels};\n` +
    `  for (int k = 0; k < ${texels}; ++k) {\n` +
    `    int at = first + k;\n` +
    `    splatTexel[k] = texelFetch(uData, ivec2(at % ${TEXTURE_WIDTH}, at / ${TEXTURE_WIDTH}), 0);\n` +
    "  }\n}\n";
  channels.forEach((channel, index) => {
    const place = places[index];
    let value = glslNumber(channel.low);
    if (place) {
      const word = `splatTexel[${place.word >> 2}][${place.word & 3}]`;
      const mask = place.bits === 16 ? "65535u" : "255u";
      value = `(${value} + ${glslNumber(channel.step)} * float((${word} >> ${place.shift}u) & ${mask}))`;
    }
    text += `#define SPLAT_${FIELD_NAMES[index]} ${value}\n`;
  });
  return text;
}
