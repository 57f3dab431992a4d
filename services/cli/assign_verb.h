// `espalier assign`: the variant that the server would choose, and why; or, with --vectors, conformance.
#ifndef ESPALIER_SERVICES_CLI_ASSIGN_VERB_H_
#define ESPALIER_SERVICES_CLI_ASSIGN_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddAssignVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_ASSIGN_VERB_H_
