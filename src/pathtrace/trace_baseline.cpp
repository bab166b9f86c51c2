#include "pathtrace/trace-inl.h"

namespace renderfm::pathtrace {

const TraceFunctions kTraceBaseline = kFunctions;

}  // namespace renderfm::pathtrace
