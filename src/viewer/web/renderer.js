// Draws Gaussians with WebGL 2: instanced boxes blended back to front into a half-float picture, which is then
// put on the canvas over the background.

const MAX_PLANES = 12;

function compileProgram(gl, vertex, fragment) {
  const header = `#version 300 es\nprecision highp float;\nprecision highp int;\n#define MAX_PLANES ${MAX_PLANES}\n`;
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, header + text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader)).join("\n");
    throw new Error(`The graphics driver refused a shader: ${gl.getProgramInfoLog(program)} ${logs}`);
  }
  const uniforms = {};
  for (let k = 0; k < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); ++k) {
    const name = gl.getActiveUniform(program, k).name.replace("[0]", "");
    uniforms[name] = gl.getUniformLocation(program, name);
  }
  return { program, uniforms };
}

class Renderer {
  constructor(canvas, shaders) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false,
                                             powerPreference: "high-performance" });
    if (!gl) throw new Error("This browser has no WebGL 2.");
    this.canvas = canvas;
    this.gl = gl;
    this.shaders = shaders;
    // Half floats keep thousands of faint layers apart; where they cannot be drawn to, 8 bits must do.
    this.float = Boolean(gl.getExtension("EXT_color_buffer_float") || gl.getExtension("EXT_color_buffer_half_float"));
    this.present = compileProgram(gl, shaders.presentVertex, shaders.presentFragment);
    this.empty = gl.createVertexArray();
    this.order = gl.createBuffer();
    this.count = 0;
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.order);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribIPointer(0, 1, gl.UNSIGNED_INT, 0, 0);
    gl.vertexAttribDivisor(0, 1);
    this.organs = gl.createTexture();
    this.organValues = new Float32Array(512).fill(0);
    this.data = null;
    this.picture = null;
  }

  setGaussians(header, { words, rows }) {
    const gl = this.gl;
    if (this.data) {
      gl.deleteTexture(this.data);
      gl.deleteProgram(this.splats.program);
    }
    if (rows > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error("This graphics card cannot hold so many Gaussians.");
    this.data = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.data);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA32UI, TEXTURE_WIDTH, rows);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, TEXTURE_WIDTH, rows, gl.RGBA_INTEGER, gl.UNSIGNED_INT, words);
    this.nearest();
    this.splats = compileProgram(gl, fieldShader(header.channels) + this.shaders.splatVertex, this.shaders.splatFragment);
    this.header = header;
    this.count = 0;
  }

  nearest() {
    const gl = this.gl;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  setOrder(order, count) {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.order);
    gl.bufferData(gl.ARRAY_BUFFER, order.subarray(0, count), gl.DYNAMIC_DRAW);
    this.count = count;
  }

  // opacity [256], exempt [256]
  setOrgans(opacity, exempt) {
    const gl = this.gl;
    for (let label = 0; label < 256; ++label) {
      this.organValues[2 * label] = opacity[label];
      this.organValues[2 * label + 1] = exempt[label] ? 1 : 0;
    }
    gl.bindTexture(gl.TEXTURE_2D, this.organs);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG32F, 256, 1, 0, gl.RG, gl.FLOAT, this.organValues);
    this.nearest();
  }

  resizePicture(width, height) {
    if (this.picture && this.picture.width === width && this.picture.height === height) return;
    const gl = this.gl;
    if (this.picture) {
      gl.deleteTexture(this.picture.texture);
      gl.deleteFramebuffer(this.picture.frame);
    }
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, this.float ? gl.RGBA16F : gl.RGBA8, width, height);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    this.picture = { texture, frame, width, height };
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE && this.float) {
      this.float = false;
      this.picture.width = 0;
      this.resizePicture(width, height);
    }
  }

  // planes: [[nx, ny, nz, d], ...]; background: [r, g, b]
  draw(camera, planes, background) {
    const gl = this.gl;
    this.resizePicture(camera.width, camera.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.picture.frame);
    gl.viewport(0, 0, camera.width, camera.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (this.data && this.count > 0) {
      const { program, uniforms } = this.splats;
      gl.useProgram(program);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.data);
      gl.uniform1i(uniforms.uData, 0);
      gl.activeTexture(gl.TEXTURE1);
      gl.bindTexture(gl.TEXTURE_2D, this.organs);
      gl.uniform1i(uniforms.uOrgans, 1);
      gl.activeTexture(gl.TEXTURE0);
      gl.uniform3fv(uniforms.uCamera, camera.position);
      gl.uniform3fv(uniforms.uRight, camera.right);
      gl.uniform3fv(uniforms.uDown, camera.down);
      gl.uniform3fv(uniforms.uForward, camera.forward);
      gl.uniform2f(uniforms.uFocal, camera.focal, camera.focal);
      gl.uniform2f(uniforms.uCentre, ...camera.centre);
      gl.uniform2f(uniforms.uSize, camera.width, camera.height);
      gl.uniform4fv(uniforms.uSlopes, camera.slopes);
      const count = Math.min(planes.length, MAX_PLANES);
      gl.uniform1i(uniforms.uPlaneCount, count);
      if (count > 0) gl.uniform4fv(uniforms.uPlanes, new Float32Array(planes.slice(0, count).flat()));
      gl.uniform1f(uniforms.uLambda, this.header.lambda);
      gl.uniform1i(uniforms.uCompensate, this.header.mip ? 1 : 0);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.bindVertexArray(this.array);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.count);
      gl.disable(gl.BLEND);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.useProgram(this.present.program);
    gl.bindTexture(gl.TEXTURE_2D, this.picture.texture);
    gl.uniform1i(this.present.uniforms.uPicture, 0);
    gl.uniform3fv(this.present.uniforms.uBackground, background);
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Waits for the card, for timing: reading one pixel is what browsers do not postpone.
  finish() {
    const gl = this.gl, pixel = new Uint8Array(4);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  }
}
