#include <algorithm>
#include <cmath>
#include <functional>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/train/journal.h"

namespace renderfm::train {
namespace {

constexpr double kWidth = 860, kHeight = 300, kLeft = 70, kRight = 24, kTop = 44, kBottom = 40;

struct Point {
  double step, value;
};

std::vector<Point> series(const std::vector<Record>& records, const std::string& kind,
                          const std::string& name) {
  std::vector<Point> points;
  for (const Record& record : records) {
    const double value = record.value(name);
    if (record.kind == kind && std::isfinite(value))
      points.push_back({static_cast<double>(record.step), value});
  }
  return points;
}

// A round number of about range / 5.
double tick_size(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (power * factor >= range / 5) return power * factor;
  }
  return power * 10;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

// One panel with a single line of points; `top` is where it starts.
std::string panel(const std::vector<Point>& points, const std::string& label, double last_step, double top,
                  const char* color) {
  const double inner_width = kWidth - kLeft - kRight, inner_height = kHeight - kTop - kBottom;
  double low = points.front().value, high = low;
  for (const Point& p : points) {
    low = std::min(low, p.value);
    high = std::max(high, p.value);
  }
  if (high - low < 1e-9) {
    low -= 0.5;
    high += 0.5;
  }
  const double margin = 0.06 * (high - low);
  low -= margin;
  high += margin;
  const auto x_of = [&](double step) { return kLeft + inner_width * step / std::max(1.0, last_step); };
  const auto y_of = [&](double value) { return top + kTop + inner_height * (high - value) / (high - low); };
  std::string out = fmt::format("<text x='{}' y='{}' font-weight='bold'>{}</text>\n", kLeft, top + kTop - 14,
                                escaped(label));
  const double tick = tick_size(high - low);
  for (double value = std::ceil(low / tick) * tick; value <= high; value += tick) {
    out += fmt::format(
        "<line x1='{}' x2='{}' y1='{:.1f}' y2='{:.1f}' stroke='#ddd'/>"
        "<text x='{}' y='{:.1f}' text-anchor='end'>{:.4g}</text>\n",
        kLeft, kWidth - kRight, y_of(value), y_of(value), kLeft - 8, y_of(value) + 4,
        std::abs(value) < tick * 1e-6 ? 0.0 : value);
  }
  const double step_tick = std::max(1.0, tick_size(std::max(1.0, last_step)));
  for (double step = 0; step <= last_step; step += step_tick) {
    out += fmt::format("<text x='{:.1f}' y='{}' text-anchor='middle'>{:.0f}</text>\n", x_of(step),
                       top + kHeight - kBottom + 18, step);
  }
  out += fmt::format("<text x='{}' y='{}' text-anchor='end'>step</text>\n", kWidth - kRight,
                     top + kHeight - kBottom + 34);
  // At most two points a pixel.
  const std::size_t stride =
      std::max<std::size_t>(1, points.size() / static_cast<std::size_t>(2 * inner_width));
  std::string path;
  for (std::size_t i = 0; i < points.size(); i += stride) {
    path += fmt::format("{:.1f},{:.1f} ", x_of(points[i].step), y_of(points[i].value));
  }
  out += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='1.6'/>\n", path, color);
  const Point& last = points.back();
  out += fmt::format(
      "<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>"
      "<text x='{}' y='{}' text-anchor='end'>step {:.0f}: {:.4g}</text>\n",
      x_of(last.step), y_of(last.value), color, kWidth - kRight, top + kTop - 14, last.step, last.value);
  return out;
}

}  // namespace

void write_curve(const std::vector<Record>& records, const std::string& title,
                 const std::filesystem::path& path) {
  struct Panel {
    std::vector<Point> points;
    const char *label, *color;
  };
  std::vector<Panel> panels;
  for (const Panel& candidate :
       {Panel{series(records, "train", "loss"), "training loss", "#1f5fa8"},
        Panel{series(records, "validation", "psnr"), "PSNR of held-out views, dB", "#b3501e"}}) {
    if (!candidate.points.empty()) panels.push_back(candidate);
  }
  double last_step = 0;
  for (const Panel& p : panels) last_step = std::max(last_step, p.points.back().step);
  const double height = 20 + kHeight * static_cast<double>(std::max<std::size_t>(1, panels.size()));
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' viewBox='0 0 {0} {1}' "
      "font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n"
      "<text x='{2}' y='18' font-size='14'>{3}</text>\n",
      kWidth, height, kLeft, escaped(title));
  double top = 10;
  for (const Panel& p : panels) {
    svg += panel(p.points, p.label, last_step, top, p.color);
    top += kHeight;
  }
  AtomicFile file(path);
  file.write(svg + "</svg>\n");
  file.commit();
}

}  // namespace renderfm::train
