// What `escapement` says about itself: the list of subcommands.

export const usage = `Usage: escapement <command> [flags]

Commands:
  run       the operator: keeps Secrets in step with their sources
  crds      prints the CustomResourceDefinitions as YAML
  version   prints the version

escapement <command> --help tells more.`;
