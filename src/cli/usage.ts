// What `escapement` says about itself: the list of subcommands.

export const usage = `Usage: escapement <command> [flags]

Commands:
  run       the operator: keeps Secrets in step with their sources
  env       environments in files, in the cluster and at Pulumi Cloud: check, open, run and more
  crds      prints the CustomResourceDefinitions as YAML
  version   prints the version

escapement <command> --help tells more.`;
