// One Gaussian at one pixel, as raster/blend.h has it; the blending itself is the graphics card's, back to
// front.
in vec2 vDelta;
flat in vec4 vColour;
flat in vec3 vConic;
out vec4 oColour;

void main() {
  float exponent = vColour.a + vConic.x * vDelta.x * vDelta.x + vConic.y * vDelta.x * vDelta.y +
                   vConic.z * vDelta.y * vDelta.y;
  if (exponent < -7.9943534) discard;
  float alpha = min(exp2(exponent), 0.99);
  oColour = vec4(vColour.rgb * alpha, alpha);
}
