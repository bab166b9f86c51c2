// Which of the known layouts a PLY of Gaussians has, and one vertex of it as a Gaussian.
#pragma once

#include <string>
#include <vector>

#include "gaussian/files/gaussian6d.h"
#include "gaussian/files/ply_header.h"
#include "renderfm/gaussian/file_format.h"

namespace renderfm {

class PlyLayout {
 public:
  /// Throws kBadInput naming what is missing.
  PlyLayout(const PlyHeader& header, const std::string& file, double lambda_opacity);

  /// False where the shape is degenerate or a value is not finite.
  bool read(const char* vertex, Gaussian6d& gaussian) const;
  /// Fills in the layout, SH degree and remarks.
  void describe(FileFacts& facts) const;

 private:
  enum class Kind {
    kPlain,     ///< 3DGS
    kRenderfm,  ///< ours
    k6dgs,      ///< the joint covariance of position and direction, as Cholesky factor
    kDgs,       ///< the conditional itself: precision of the direction and a shift
  };
  using Columns = std::vector<const PlyProperty*>;

  Columns required(const std::vector<std::string>& names) const;
  /// "stem_0" ... of the first stem that the file has; of stems[0] where none.
  Columns numbered(const std::vector<std::string>& stems, int count) const;
  bool has(const std::string& name) const { return header_.find(name) != nullptr; }
  void find_kind();
  void find_direction_mean();
  bool read_6dgs(const char* vertex, Gaussian6d& gaussian) const;
  bool read_dgs(const char* vertex, Gaussian6d& gaussian) const;
  void read_renderfm(const char* vertex, Gaussian6d& gaussian) const;

  const PlyHeader& header_;
  const std::string file_;
  double lambda_opacity_;
  Kind kind_ = Kind::kPlain;
  int rest_count_ = 0;
  Columns position_, dc_, rest_, opacity_, scale_, rotation_;
  Columns direction_mean_;  ///< empty: 0
  Columns triangle_;        ///< dir_chol (6), l_triangle (15) or L_22_inv (6)
  Columns shift_;           ///< dir_shift (9) or v_12_direction (9, may be empty)
  const PlyProperty *label_ = nullptr, *lambda_ = nullptr, *shift_weight_ = nullptr;
};

}  // namespace renderfm
