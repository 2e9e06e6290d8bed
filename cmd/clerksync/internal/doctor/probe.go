package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/clerksync/clerksync/cmd/clerksync/internal/deployment"
	"github.com/clerksync/clerksync/cmd/clerksync/internal/terminal"
	"github.com/clerksync/clerksync/pkg/clerkapi"
)

// probePatience is three probes, and what CloudWatch takes to show the last one.
const probePatience = 17 * time.Minute

// checkProbe says whether lost events would be seen, and whether any was. The
// value of the key is never read: who is on call need not have the right to it.
func checkProbe(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	if d.Stack == nil {
		return skipStackOnly("it needs a stack")
	}
	name := d.Stack.ClerkKeyParameter()
	if name == "" {
		v := skip("the probe is off: an event that is lost for good is seen only by clerksync diff")
		v.Mend = "put a secret key of Clerk into SSM, and deploy with ClerkSecretKeyParameter"
		return v
	}
	if o.NoParameters {
		return judgeProbe(ctx, d, o)
	}
	put := "make a secret key at Clerk for this use, and put it there: aws ssm put-parameter --type SecureString " +
		"--name " + name + " --value file:///dev/stdin"
	key, err := deployment.NewParameter(d.AWS, name).ReadKey(ctx)
	switch {
	case errors.Is(err, deployment.ErrNotFound):
		return fail(put, "Clerk's secret key is not in SSM: %s does not exist", name)
	case err != nil:
		return couldNotRead(d, err, "ssm:DescribeParameters")
	case key == "":
		return fail("delete it, and revoke the key at Clerk. Then "+put,
			"%s is not encrypted, and a secret key of Clerk can do everything there", name)
	}
	return judgeProbe(ctx, d, o)
}

// judgeProbe judges what the last probe counted.
func judgeProbe(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	p, ran, err := d.LastProbe(ctx, o.Now().Add(-probePatience), o.Now())
	switch {
	case err != nil:
		return couldNotRead(d, err, "cloudwatch:GetMetricData")
	case !ran:
		return fail("see the log of ProbeFunction, and whether its schedule is enabled. "+
			"A new one runs within five minutes", "no probe ran in %v", probePatience)
	case p.Failed:
		return fail("the log of ProbeFunction says why: the key, its instance, Clerk or the table",
			"the last probe failed, at %s", deployment.FormatTime(p.At))
	case p.Missing > 0:
		return fail("if the other checks pass: clerksync diff"+d.Names.TableFlags()+" --repair",
			"%d of Clerk's newest %d objects are not in the table", p.Missing, p.Checked)
	}
	return pass("Clerk's newest %d objects are in the table, %s ago", p.Checked,
		terminal.FormatDuration(o.Now().Sub(p.At)))
}

// checkClerkKey checks that the secret key that this environment holds is of the
// deployment's instance. Without one there is nothing to ask.
func checkClerkKey(ctx context.Context, d *deployment.Deployment, o Options) Verdict {
	key := o.Getenv("CLERK_SECRET_KEY")
	if key == "" && d.Local {
		return skipStackOnly("CLERK_SECRET_KEY is not set, and dev needs none")
	}
	if key == "" {
		return skip("CLERK_SECRET_KEY is not set, so that Clerk is not asked")
	}
	client, err := clerkapi.New(clerkapi.Options{
		URL: o.Getenv("CLERK_API_URL"), Key: key, UserAgent: "clerksync", Now: o.Now,
	})
	const again = "copy the secret key from Clerk's dashboard, from sk_ to its end"
	if err != nil {
		return fail(again, "%v", err)
	}
	instance, err := client.Instance(ctx)
	if err != nil {
		return fail(again+"; if Clerk did not answer, run this again", "%v", err)
	}
	if err := d.CheckInstance(ctx, o.Getenv, instance.ID); err != nil {
		return fail("use the secret key of the instance whose events come here, or set ClerkInstanceId",
			"%s", firstLine(err))
	}
	return pass("the secret key is of %s (%s), whose events come here", instance.ID, instance.Environment)
}
