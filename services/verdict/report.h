// A judgement for scripts and for people.
#ifndef ESPALIER_SERVICES_VERDICT_REPORT_H_
#define ESPALIER_SERVICES_VERDICT_REPORT_H_

#include <string>

#include "nlohmann/json_fwd.hpp"
#include "services/verdict/judge.h"

namespace espalier {

// The keys of INTERFACES.md; what the data do not say is null. Beyond them: `p_adjusted` (Holm), `p_units`
// (at the look that p is of, null for today's), `too_early`, `notes`, and with the Bayesian engine
// `chance_to_win` and `expected_loss`.
nlohmann::json ToJson(const Judgement& judgement);

// A heading, a table with a line for each metric and variant, the sentence, the notes.
std::string ToText(const Judgement& judgement);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_REPORT_H_
