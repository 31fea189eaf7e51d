// Command control-plane is a Kubernetes control plane in one file, for tests: etcd, kube-apiserver,
// kube-controller-manager and kubectl, chosen by the first argument. Each runs as a process of its own and takes the
// flags of its namesake. Who starts them, with which flags, and who stops them is test/support/control-plane.ts.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	_ "time/tzdata" // the API server validates time zones, also on a host that has no zone files

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl: the auth plugins of kubeconfigs
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client request metrics of the two daemons
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// programs are the faces of this binary. Each finds its own name and arguments in os.Args, as its namesake would.
var programs = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { os.Exit(cli.Run(apiserver.NewAPIServerCommand())) },
	"kube-controller-manager": func() { os.Exit(cli.Run(controllermanager.NewControllerManagerCommand())) },
	"kubectl":                 runKubectl,
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	run, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "control-plane: first argument %q is not a program; use one of: %s\n", name, names())
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	run()
}

func runKubectl() {
	// Verbosity counts while the command tree is built (plugins, kuberc), which is before cobra parses any flag.
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err) // prints the error the way kubectl does, and exits
	}
}

func names() string {
	known := make([]string, 0, len(programs))
	for name := range programs {
		known = append(known, name)
	}
	sort.Strings(known)
	return strings.Join(known, ", ")
}
