// One triangle that covers the picture.
out vec2 vPlace;
void main() {
  vPlace = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  gl_Position = vec4(vPlace * 2.0 - 1.0, 0.0, 1.0);
}
