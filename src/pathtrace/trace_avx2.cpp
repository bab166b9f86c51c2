#include "pathtrace/trace-inl.h"

namespace renderfm::pathtrace {

const TraceFunctions kTraceAvx2 = kFunctions;

}  // namespace renderfm::pathtrace
