// What is taken for a request, and what is not.
#include "renderfm/server/http_message.h"

#include <gtest/gtest.h>

#include <string>

namespace renderfm::server {
namespace {

int status_of(const std::string& head) {
  try {
    parse_head(head);
    return 200;
  } catch (const HttpError& error) {
    return error.status();
  }
}

TEST(ParseHead, ReadsMethodPathQueryHeadersAndLength) {
  const Request request = parse_head(
      "PUT /api/scans/12%20x?name=Thorax%2Fa.nii.gz&empty=&x HTTP/1.1\r\nHost: localhost:8080\r\n"
      "Content-Length: 17\r\nAccept: a\r\naccept:  b \r\n");
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/api/scans/12 x");
  EXPECT_EQ(request.segments(), (std::vector<std::string>{"api", "scans", "12 x"}));
  EXPECT_EQ(request.query.at("name"), "Thorax/a.nii.gz");
  EXPECT_EQ(request.query.at("empty"), "");
  EXPECT_EQ(*request.header("host"), "localhost:8080");
  EXPECT_EQ(*request.header("accept"), "a, b");
  EXPECT_EQ(request.header("origin"), nullptr);
  EXPECT_EQ(request.content_length, 17U);
  EXPECT_TRUE(parse_head("GET / HTTP/1.0").segments().empty());
}

TEST(ParseHead, RefusesPathsThatLeaveTheirRoot) {
  for (const char* path : {"/..", "/../etc/passwd", "/a/../../b", "/%2e%2e/etc/passwd", "/a/%2E%2e/b",
                           "/..%2fetc", "/a/./b", "//etc/passwd", "/a//b", "/..%5c..%5cwindows", "/a%00b",
                           "/a%0d%0ab", "etc", "*", "http://x/", "/%", "/%2", "/%zz", "/a%2"}) {
    EXPECT_EQ(status_of("GET " + std::string(path) + " HTTP/1.1\r\nHost: a"), 400) << path;
  }
  EXPECT_EQ(status_of("GET /a..b/...c HTTP/1.1"), 200);
}

TEST(ParseHead, RefusesWhatTwoReadersCouldReadDifferently) {
  const std::string line = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(status_of(line + "Host: a\r\nHost: b"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: 1\r\ncontent-length: 1"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: -1"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: 1 1"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: +1"), 400);
  EXPECT_EQ(status_of(line + "Content-Length: 99999999999999999999999"), 400);
  EXPECT_EQ(status_of(line + "Content-Length:"), 400);
  EXPECT_EQ(status_of(line + "Transfer-Encoding: chunked"), 411);
  EXPECT_EQ(status_of(line + "Host : a"), 400);
  EXPECT_EQ(status_of(line + " folded: a"), 400);
  EXPECT_EQ(status_of(line + "X: a\nY: b"), 400);
  EXPECT_EQ(status_of(line + "X: a\rY: b"), 400);
  EXPECT_EQ(status_of(line + std::string("X: a\0b", 6)), 400);
  EXPECT_EQ(status_of(line + ": nameless"), 400);
}

TEST(ParseHead, NamesTheLimitThatWasBroken) {
  EXPECT_EQ(status_of(""), 400);
  EXPECT_EQ(status_of("GET /"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0"), 505);
  EXPECT_EQ(status_of("BREW /pot HTTP/1.1"), 405);
  EXPECT_EQ(status_of("GET /a b HTTP/1.1"), 400);
  EXPECT_EQ(status_of("GET /\xc3\xa4 HTTP/1.1"), 400);
  EXPECT_EQ(status_of("GET /" + std::string(kMaxTargetBytes, 'a') + " HTTP/1.1"), 414);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(kMaxHeadBytes, 'a')), 431);
  std::string many = "GET / HTTP/1.1";
  for (std::size_t n = 0; n < kMaxHeaders; ++n) many += "\r\nX: 1";
  EXPECT_EQ(status_of(many), 200);
  EXPECT_EQ(status_of(many + "\r\nX: 1"), 431);
}

TEST(HostAllowed, KeepsOutNamesThatSomeoneElsesDnsResolvesToUs) {
  for (const char* host : {"localhost", "LOCALHOST:9", "127.0.0.1:8080", "127.3.2.1", "[::1]:8080"}) {
    EXPECT_TRUE(host_allowed(host, true, "")) << host;
  }
  for (const char* host :
       {"evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "", "192.168.1.5",
        "localhost:x", "localhost:8080:1", "[::1", "[fe80::1]", "0x7f.1", "2130706433", "@localhost"}) {
    EXPECT_FALSE(host_allowed(host, true, "")) << host;
  }
  EXPECT_TRUE(host_allowed("192.168.1.5:80", false, ""));
  EXPECT_TRUE(host_allowed("Ward7:80", false, "ward7"));
  EXPECT_FALSE(host_allowed("ward8:80", false, "ward7"));
}

TEST(SameOrigin, ComparesHostAndPort) {
  EXPECT_TRUE(same_origin("http://localhost:8080", "localhost:8080"));
  EXPECT_TRUE(same_origin("https://Localhost:8080", "localhost:8080"));
  for (const char* origin : {"null", "", "http://localhost", "http://localhost:80801", "http://evil.example",
                             "http://localhost:8080.evil.example", "localhost:8080"}) {
    EXPECT_FALSE(same_origin(origin, "localhost:8080")) << origin;
  }
}

TEST(SafeFileName, HoldsNothingThatAHeaderOrAShellMinds) {
  EXPECT_EQ(safe_file_name("../a b\"\r\n.ply"), "_._a_b___.ply");
  EXPECT_EQ(safe_file_name(""), "scan");
  EXPECT_EQ(safe_file_name(std::string(500, 'a')).size(), 64U);
}

TEST(Responses, CarryTheHeadersThatProtectABrowser) {
  const Response response = error_response(404, "no \"such\" thing\xff");
  EXPECT_EQ(response.body.rfind(R"({"error":"no \"such\" thing)", 0), 0U) << response.body;
  const std::string head = head_text(response, response.body.size());
  for (const char* part :
       {"HTTP/1.1 404 Not Found\r\n", "X-Content-Type-Options: nosniff\r\n", "Cache-Control: no-store\r\n",
        "Content-Security-Policy: default-src 'none'", "Connection: close\r\n"}) {
    EXPECT_NE(head.find(part), std::string::npos) << part;
  }
  Response page;
  page.headers = {{"Content-Security-Policy", "default-src 'self'"}};
  const std::string own = head_text(page, 0);
  EXPECT_EQ(own.find("default-src 'none'"), std::string::npos);
}

}  // namespace
}  // namespace renderfm::server
