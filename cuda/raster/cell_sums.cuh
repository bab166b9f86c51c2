// From what a warp's lanes have of a splat to the splat's ten sums over the warp's 8x8 pixels, for four
// splats at a time: eight lanes each, one for a column.
#pragma once

#include "raster/layout.cuh"
#include "raster/stages.cuh"

namespace renderfm::raster::cuda {

using ::renderfm::cuda::kFullWarp;
using ::renderfm::cuda::Shared;

inline constexpr int kGroup = 4;                ///< splats
inline constexpr int kLaneSums4 = kGroup * 32;  ///< float4 of a warp
inline constexpr int kRow2 = 40;                ///< float2 of a splat: eight more than lanes keep banks apart
inline constexpr int kLaneSums2 = kGroup * kRow2;
inline constexpr int kOutRow = kSlotSums + 1;  ///< floats: the sums and the round that wrote them

class CellSums {
 public:
  /// `lanes4` [kLaneSums4], `lanes2` [kLaneSums2] and `out` [32, kOutRow] are the warp's own. (left, top) is
  /// the middle of the block's first pixel, from the middle of the cell.
  __device__ __forceinline__ CellSums(Shared<float4> lanes4, Shared<float2> lanes2, Shared<float> out,
                                      std::uint32_t lane, float left, float top)
      : lane_(lane),
        start4_(lanes4 + static_cast<int>(lane)),
        start2_(lanes2 + static_cast<int>(lane)),
        put4_(start4_),
        put2_(start2_),
        column4_(lanes4 + static_cast<int>(lane / 8 * 32 + lane % 8)),
        column2_(lanes2 + static_cast<int>(lane / 8 * kRow2 + lane % 8)),
        own_(out + (((lane & 4u) != 0 ? 5 : 0) + ((lane & 2u) != 0 ? 3 : 0) + ((lane & 1u) != 0 ? 1 : 0))),
        x_(left + static_cast<float>(lane % 8)),
        top_(top) {}

  /// Rows written from now on end with this number, by which they are told from those of earlier rounds.
  __device__ __forceinline__ void start_round(float round) { round_ = round; }

  /// Takes the sums over each lane's pixels k = 0, 1 (rows y and y + 4): g0 + g1, g1, w v_red, w v_green | w
  /// v_blue, w v_depth. `place` < 32 is the splat's row of `out`.
  __device__ __forceinline__ void put(std::uint32_t place, float4 sums4, float2 sums2) {
    *put4_ = sums4;
    *put2_ = sums2;
    put4_ = put4_ + 32;
    put2_ = put2_ + kRow2;
    places_ = append(places_, place);
    if (is_full()) reduce();
  }

  /// Deals with a group that is not full.
  __device__ __forceinline__ void finish() {
    if (places_ == kEmpty) return;
    while (!is_full()) {
      *put4_ = float4{0.0f, 0.0f, 0.0f, 0.0f};
      *put2_ = float2{0.0f, 0.0f};
      put4_ = put4_ + 32;
      put2_ = put2_ + kRow2;
      places_ = append(places_, kNowhere);
    }
    reduce();
  }

 private:
  static constexpr std::uint32_t kNowhere = 0xffu, kEmpty = 0xffffffffu;

  /// Four places of a byte each, the last one lowest.
  __device__ __forceinline__ static std::uint32_t append(std::uint32_t places, std::uint32_t place) {
#if defined(RENDERFM_CUDA_EMULATOR)
    return places << 8 | place;
#else
    return __byte_perm(places, place, 0x2104);  // one instruction
#endif
  }
  /// No place has its highest bit set.
  __device__ __forceinline__ bool is_full() const { return static_cast<std::int32_t>(places_) >= 0; }

  __device__ __forceinline__ void reduce() {
    __syncwarp();
    // Rows y = 0 .. 3 of the column; what the second pixel's row adds, y + 4, follows from g1 alone.
    float4 s[4];
    float2 t[4];
#pragma unroll
    for (int y = 0; y < 4; ++y) {
      s[y] = column4_[y * 8];
      t[y] = column2_[y * 8];
    }
    float v[kSlotSums];
    const auto moment = [](float a, float b, float c) {  // sum of y a_y, or with squares, as called
      return mul_add(3.0f, c, mul_add(2.0f, b, a));
    };
    const float g = (s[0].x + s[1].x) + (s[2].x + s[3].x);
    const float g1 = (s[0].y + s[1].y) + (s[2].y + s[3].y);
    const float gy = mul_add(static_cast<float>(kRowStep), g1, moment(s[1].x, s[2].x, s[3].x));
    const float g1y = moment(s[1].y, s[2].y, s[3].y);
    const float gyy = mul_add(9.0f, s[3].x, mul_add(4.0f, s[2].x, s[1].x)) +
                      mul_add(8.0f, g1y, 16.0f * g1);  // (y + 4)^2 = y^2 + 8 y + 16
    v[kG] = g;
    v[kGx] = x_ * g;
    v[kGxx] = x_ * v[kGx];
    v[kGy] = mul_add(top_, g, gy);
    v[kGxy] = x_ * v[kGy];
    v[kGyy] = mul_add(top_, gy + v[kGy], gyy);
    v[kWRed] = (s[0].z + s[1].z) + (s[2].z + s[3].z);
    v[kWGreen] = (s[0].w + s[1].w) + (s[2].w + s[3].w);
    v[kWBlue] = (t[0].x + t[1].x) + (t[2].x + t[3].x);
    v[kWDepth] = (t[0].y + t[1].y) + (t[2].y + t[3].y);

    // Eight columns to one: each step a lane keeps half of its sums and hands the other half to its partner.
    static_assert(kSlotSums == 10, "the halves below are 5, then 2 and 2 and one for both");
    const bool upper4 = (lane_ & 4u) != 0, upper2 = (lane_ & 2u) != 0, upper1 = (lane_ & 1u) != 0;
    const auto exchange = [](bool upper, float low, float high, int step) {
      const float sent = upper ? low : high;
      return (upper ? high : low) + __shfl_xor_sync(kFullWarp, sent, step);
    };
    float h[5];
#pragma unroll
    for (int k = 0; k < 5; ++k) h[k] = exchange(upper4, v[k], v[5 + k], 4);
    const float q0 = exchange(upper2, h[0], h[3], 2), q1 = exchange(upper2, h[1], h[4], 2);
    const float q2 = h[2] + __shfl_xor_sync(kFullWarp, h[2], 2);
    const float e = exchange(upper1, q0, q1, 1);
    const float e2 = q2 + __shfl_xor_sync(kFullWarp, q2, 1);

    const std::uint32_t place = places_ >> (24u - (lane_ & 24u)) & 0xffu;
    if (place != kNowhere) {
      const Shared<float> row = own_ + static_cast<int>(place) * kOutRow;
      row[0] = e;
      if ((lane_ & 3u) == 0) row[2] = e2;
      if ((lane_ & 7u) == 7u) row[kSlotSums - 9] = round_;
    }
    __syncwarp();
    places_ = kEmpty;
    put4_ = start4_;
    put2_ = start2_;
  }

  std::uint32_t lane_;
  Shared<float4> start4_;
  Shared<float2> start2_;
  Shared<float4> put4_;
  Shared<float2> put2_;
  Shared<float4> column4_;
  Shared<float2> column2_;
  Shared<float> own_;
  float x_, top_;
  float round_ = 0.0f;
  std::uint32_t places_ = kEmpty;  ///< of the splats at hand
};

}  // namespace renderfm::raster::cuda
