// `espalier analyze`: the verdict on a table, without a server.
#ifndef ESPALIER_SERVICES_CLI_ANALYZE_VERB_H_
#define ESPALIER_SERVICES_CLI_ANALYZE_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddAnalyzeVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_ANALYZE_VERB_H_
