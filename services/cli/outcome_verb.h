// `espalier outcome`: reports outcomes to a server.
#ifndef ESPALIER_SERVICES_CLI_OUTCOME_VERB_H_
#define ESPALIER_SERVICES_CLI_OUTCOME_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddOutcomeVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_OUTCOME_VERB_H_
