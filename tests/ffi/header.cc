// The header is C++ too.
#include "fluo.h"

int main() {
  fluo_ingest_result result = {};
  result.size = sizeof result;
  fluo_status status = fluo_engine_tick(nullptr, 0, &result);
  return status == FLUO_STATUS_INVALID_ARGUMENT && fluo_abi_version() == FLUO_ABI_VERSION ? 0 : 1;
}
