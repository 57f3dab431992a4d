// espalier serve: everything in one process.
#ifndef ESPALIER_SERVICES_CLI_SERVE_VERB_H_
#define ESPALIER_SERVICES_CLI_SERVE_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddServeVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_SERVE_VERB_H_
