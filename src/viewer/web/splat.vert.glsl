// One 6D Gaussian seen by the camera: the same formulas, in the same order, as raster/slice6d.h, project.h and
// clip.h. SPLAT_* read a Gaussian's numbers; fields.js writes them for the data at hand.
layout(location = 0) in uint aGaussian;

uniform highp sampler2D uOrgans;  // by label: red its opacity, green 1 where planes pass it by
uniform vec3 uCamera, uRight, uDown, uForward;
uniform vec2 uFocal, uCentre, uSize;
uniform vec4 uSlopes;  // where x/z and y/z of the Jacobian are clamped: low x, high x, low y, high y
uniform vec4 uPlanes[MAX_PLANES];
uniform int uPlaneCount;
uniform float uLambda;
uniform bool uCompensate;

out vec2 vDelta;
flat out vec4 vColour;  // rgb, log2 alpha at the centre
flat out vec3 vConic;

const float LOG2_E = 1.4426950408889634, LN_2 = 0.6931471805599453;
const float LOG2_CUT = -7.9943534, LOW_PASS = 0.3, LEAST_COMPENSATION = 0.005, NEAR = 0.01;

vec3 solveLower(float a00, float a10, float a11, float a20, float a21, float a22, vec3 v) {
  float x = v.x / a00;
  float y = (v.y - a10 * x) / a11;
  return vec3(x, y, (v.z - a20 * x - a21 * y) / a22);
}

// C^T v for C lower triangular.
vec3 transposeTimes(float c00, float c10, float c11, float c20, float c21, float c22, vec3 v) {
  return vec3(c00 * v.x + c10 * v.y + c20 * v.z, c11 * v.y + c21 * v.z, c22 * v.z);
}

// Share of the normal distribution below t (Abramowitz and Stegun 7.1.26).
float normalShare(float t) {
  float x = min(abs(t), 5.6) * 0.70710678;
  float s = 1.0 / (1.0 + 0.3275911 * x);
  float sum = ((((1.061405429 * s - 1.453152027) * s + 1.421413741) * s - 0.284496736) * s + 0.254829592) * s;
  float rest = 0.5 * sum * exp(-x * x);
  return t >= 0.0 ? 1.0 - rest : rest;
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // outside: what every way out below leaves
  splatFetch(aGaussian);
  vec4 organ = texelFetch(uOrgans, ivec2(int(SPLAT_LABEL), 0), 0);
  float opacity = organ.r / (1.0 + exp(-(SPLAT_OPACITY)));
  if (opacity <= 0.0) return;

  // Slice for the direction from the camera.
  vec3 offset = vec3(SPLAT_X, SPLAT_Y, SPLAT_Z) - uCamera;
  vec3 direction = normalize(offset);
  vec3 deviation = direction - vec3(SPLAT_DX, SPLAT_DY, SPLAT_DZ);
  vec3 u = solveLower(exp(SPLAT_A00), SPLAT_A10, exp(SPLAT_A11), SPLAT_A20, SPLAT_A21, exp(SPLAT_A22), deviation);
  vec3 mean = offset + vec3(dot(vec3(SPLAT_B00, SPLAT_B01, SPLAT_B02), u),
                            dot(vec3(SPLAT_B10, SPLAT_B11, SPLAT_B12), u),
                            dot(vec3(SPLAT_B20, SPLAT_B21, SPLAT_B22), u));
  float c00 = exp(SPLAT_C00), c10 = SPLAT_C10, c11 = exp(SPLAT_C11);
  float c20 = SPLAT_C20, c21 = SPLAT_C21, c22 = exp(SPLAT_C22);

  // Cut by the planes.
  if (organ.g < 0.5) {
    for (int k = 0; k < uPlaneCount; ++k) {
      vec3 across = transposeTimes(c00, c10, c11, c20, c21, c22, uPlanes[k].xyz);
      opacity *= normalShare((dot(uPlanes[k].xyz, mean + uCamera) + uPlanes[k].w) / max(length(across), 1e-6));
    }
    if (opacity <= 0.0) return;
  }

  // Project.
  vec3 p = vec3(dot(uRight, mean), dot(uDown, mean), dot(uForward, mean));
  if (!(p.z >= NEAR)) return;
  vec2 slope = p.xy / p.z;
  vec2 clamped = clamp(slope, uSlopes.xz, uSlopes.yw);
  vec3 m0 = transposeTimes(c00, c10, c11, c20, c21, c22, (uRight - clamped.x * uForward) * (uFocal.x / p.z));
  vec3 m1 = transposeTimes(c00, c10, c11, c20, c21, c22, (uDown - clamped.y * uForward) * (uFocal.y / p.z));
  float sharpXx = dot(m0, m0), covXy = dot(m0, m1), sharpYy = dot(m1, m1);
  vec3 normal = cross(m0, m1);
  float before = dot(normal, normal);
  float det = before + LOW_PASS * (sharpXx + sharpYy + LOW_PASS);
  if (!(det > 1e-8)) return;
  if (uCompensate) opacity *= max(sqrt(before / det), LEAST_COMPENSATION);
  float log2Alpha = log2(opacity) - uLambda * LOG2_E * dot(u, u);
  if (!(log2Alpha >= LOG2_CUT)) return;
  float covXx = sharpXx + LOW_PASS, covYy = sharpYy + LOW_PASS;
  vConic = vec3(-covYy, 2.0 * covXy, -covXx) * (0.5 * LOG2_E / det);

  // The box of alpha >= 1/255.
  float reach = 2.0 * LN_2 * 1.0002 * (log2Alpha - LOG2_CUT);
  vec2 halfSize = sqrt(reach * vec2(covXx, covYy)) + 0.01;
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) * 2.0 - 1.0;
  vDelta = corner * halfSize;
  vec2 pixel = uFocal * slope + uCentre + vDelta;
  gl_Position = vec4(pixel / uSize * vec2(2.0, -2.0) + vec2(-1.0, 1.0), 0.0, 1.0);

  vec3 colour = vec3(0.5) + 0.28209479 * vec3(SPLAT_S0R, SPLAT_S0G, SPLAT_S0B) +
                0.48860251 * (-direction.y * vec3(SPLAT_S1R, SPLAT_S1G, SPLAT_S1B) +
                              direction.z * vec3(SPLAT_S2R, SPLAT_S2G, SPLAT_S2B) -
                              direction.x * vec3(SPLAT_S3R, SPLAT_S3G, SPLAT_S3B));
  vColour = vec4(max(colour, 0.0), log2Alpha);
}
