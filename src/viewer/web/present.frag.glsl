// The drawn picture over the page's background, scaled to the canvas.
uniform sampler2D uPicture;
uniform vec3 uBackground;
in vec2 vPlace;
out vec4 oColour;
void main() {
  vec4 picture = texture(uPicture, vPlace);
  oColour = vec4(min(picture.rgb + (1.0 - picture.a) * uBackground, 1.0), 1.0);
}
