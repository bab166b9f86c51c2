#include "nifti_extension.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include "gzip_input.h"
#include "nifti_header.h"

namespace renderfm {
namespace {

constexpr std::int64_t kMaxExtensionBytes = 1 << 24;

std::string unescaped(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}}};
  std::string result;
  while (!text.empty()) {
    const auto entity = std::find_if(kEntities.begin(), kEntities.end(),
                                     [&](const auto& entry) { return text.starts_with(entry.first); });
    if (entity != kEntities.end()) {
      result += entity->second;
      text.remove_prefix(entity->first.size());
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The value of Key="..." in the attributes of a <Label> element, or -1.
int key_of(std::string_view attributes) {
  const auto at = attributes.find("Key=");
  if (at == std::string_view::npos || at + 5 >= attributes.size()) return -1;
  std::string_view rest = attributes.substr(at + 5);
  rest = trimmed(rest.substr(0, rest.find_first_of("\"'")));
  int key = -1;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), key);
  return parsed.ec == std::errc() && parsed.ptr == rest.data() + rest.size() ? key : -1;
}

void collect_labels(std::string_view xml, std::map<std::uint8_t, std::string>& names) {
  constexpr std::string_view kOpen = "<Label ", kCdata = "<![CDATA[", kCdataEnd = "]]>";
  for (std::size_t at = xml.find(kOpen); at != std::string_view::npos; at = xml.find(kOpen, at + 1)) {
    const std::size_t tag_end = xml.find('>', at);
    const std::size_t close = xml.find("</Label>", at);
    if (tag_end == std::string_view::npos || close == std::string_view::npos || close < tag_end) continue;
    const int key = key_of(xml.substr(at + kOpen.size(), tag_end - at - kOpen.size()));
    std::string_view content = trimmed(xml.substr(tag_end + 1, close - tag_end - 1));
    std::string name;
    if (content.starts_with(kCdata) && content.ends_with(kCdataEnd)) {
      content = content.substr(kCdata.size(), content.size() - kCdata.size() - kCdataEnd.size());
      name = trimmed(content);
    } else {
      name = unescaped(content);
    }
    if (key >= 1 && key <= 255 && !name.empty()) names[static_cast<std::uint8_t>(key)] = name;
  }
}

// Red, green, blue in [0, 1]; neighbouring labels are far apart in hue (golden-ratio steps).
std::array<double, 3> label_color(int label) {
  const double hue = 6 * std::fmod(label * 0.618033988749895, 1.0);
  std::array<double, 3> rgb;
  for (int channel = 0; channel < 3; ++channel) {
    const double distance = std::abs(std::fmod(hue + 2.0 * (3 - channel), 6.0) - 3);
    rgb[static_cast<std::size_t>(channel)] = 0.2 + 0.75 * std::clamp(distance - 1, 0.0, 1.0);
  }
  return rgb;
}

}  // namespace

std::map<std::uint8_t, std::string> read_label_names(const std::filesystem::path& path) {
  GzipInput input(path);
  std::array<std::uint8_t, kMaxNiftiHeader> start{};
  std::size_t start_size = input.read_some(start.data(), 352);
  auto header = parse_nifti_header({start.data(), start_size});
  if (!header) {
    start_size += input.read_some(start.data() + start_size, kMaxNiftiHeader - start_size);
    header = parse_nifti_header({start.data(), start_size});
  }
  std::map<std::uint8_t, std::string> names;
  if (!header || header->separate_data) return names;
  const std::size_t marker = header->header_size();
  const auto bytes_left = header->data_offset - static_cast<std::int64_t>(marker) - 4;
  if (start_size < marker + 4 || start[marker] == 0 || bytes_left < 8 || bytes_left > kMaxExtensionBytes) {
    return names;
  }
  std::vector<std::uint8_t> extensions(static_cast<std::size_t>(bytes_left));
  extensions.resize(input.read_some(extensions.data(), extensions.size()));
  // Each extension is its size (a multiple of 16, this field included), a code, and its content.
  // TotalSegmentator uses code 0, others 30 (Caret): the content decides.
  for (std::size_t at = 0; at + 8 <= extensions.size();) {
    std::array<std::uint8_t, 4> raw;
    std::copy_n(extensions.begin() + static_cast<std::ptrdiff_t>(at), 4, raw.begin());
    if (header->swapped) std::reverse(raw.begin(), raw.end());
    const std::size_t size = raw[0] | (raw[1] << 8) | (raw[2] << 16) | (std::size_t{raw[3]} << 24);
    if (size < 8 || size > extensions.size() - at) break;
    collect_labels({reinterpret_cast<const char*>(extensions.data()) + at + 8, size - 8}, names);
    at += size;
  }
  return names;
}

std::string caret_label_xml(const std::map<std::uint8_t, std::string>& names) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CaretExtension>\n  <VolumeInformation Index=\"0\">\n"
      "    <LabelTable>\n";
  for (const auto& [label, name] : names) {
    const auto [red, green, blue] = label_color(label);
    std::string safe_name = name;  // "]]>" would end the CDATA section
    for (auto at = safe_name.find("]]>"); at != std::string::npos; at = safe_name.find("]]>")) {
      safe_name.replace(at, 3, "]] ");
    }
    xml += fmt::format(
        "<Label Key=\"{}\" Red=\"{:.3f}\" Green=\"{:.3f}\" Blue=\"{:.3f}\" Alpha=\"1\">"
        "<![CDATA[{}]]></Label>\n",
        label, red, green, blue, safe_name);
  }
  return xml +
         "    </LabelTable>\n    <VolumeType><![CDATA[Label]]></VolumeType>\n  </VolumeInformation>\n"
         "</CaretExtension>\n";
}

}  // namespace renderfm
