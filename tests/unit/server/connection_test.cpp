// One connection, from its bytes to its answer.
#include <gtest/gtest.h>

#include <string>

#include "unit/server/memory_transport.h"

namespace renderfm::server {
namespace {

using test::answer_to;
using test::body_of;
using test::status_of;

Response echo(const Request& request, Body& body) {
  Response response;
  response.body = request.path + " " + body.read_all(100);
  return response;
}

TEST(Connection, HandsTheBodyOnInWhateverPiecesItComes) {
  const std::string request =
      "POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789 and what comes behind is not read";
  for (const std::size_t piece : {1, 2, 3, 7, 40, 4096}) {
    EXPECT_EQ(body_of(answer_to(request, echo, piece)), "/x 0123456789") << piece;
  }
}

TEST(Connection, SaysWhereABodyStopped) {
  const std::string answer = answer_to("POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123", echo);
  EXPECT_EQ(status_of(answer), 400);
  EXPECT_EQ(body_of(answer), R"({"error":"the upload ended after 4 of 10 bytes"})");
}

TEST(Connection, TakesNoMoreThanItsReaderWants) {
  const std::string answer = answer_to("POST /x HTTP/1.1\r\nContent-Length: 101\r\n\r\n", echo);
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_EQ(status_of(answer_to("GET /x HTTP/1.1\r\n\r\n", echo)), 200);  // no length: no body
}

TEST(Connection, AnswersHeadWithoutABody) {
  const std::string answer = answer_to("HEAD /x HTTP/1.1\r\n\r\n", echo);
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("Content-Length: 3\r\n"), std::string::npos);
  EXPECT_EQ(body_of(answer), "");
}

TEST(Connection, EndsAHeadThatNeverEnds) {
  EXPECT_EQ(status_of(answer_to("GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'a'), echo)), 431);
  EXPECT_EQ(status_of(answer_to("GET / HTTP/1.1\r\nHost: a\r\n", echo)), 400);
  EXPECT_EQ(answer_to("", echo), "");
}

TEST(Connection, TurnsAnyFailureIntoASentence) {
  const Handler broken = [](const Request&, Body&) -> Response {
    throw std::runtime_error("the lamp is out");
  };
  const std::string answer = answer_to("GET / HTTP/1.1\r\n\r\n", broken);
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(body_of(answer), R"({"error":"the lamp is out"})");
}

}  // namespace
}  // namespace renderfm::server
