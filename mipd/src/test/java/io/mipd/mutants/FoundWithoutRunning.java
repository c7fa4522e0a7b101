package io.mipd.mutants;

import java.lang.reflect.Method;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Leaves out the bodies of tests while a process of PIT's that changes classes looks for them.
 *
 * <p>PIT finds tests by running them, once in each such process, and begins another process after
 * each mutant that never ends: without this, that took most of its time. When it has found them it
 * runs each for the mutants that it covers, and then they do run.
 */
public final class FoundWithoutRunning implements InvocationInterceptor {
  private static final StackWalker STACK = StackWalker.getInstance();
  private static final String PROCESS = "org.pitest.mutationtest.execute.MutationTestMinion";

  private static boolean isLookingForTests() {
    return STACK.walk(
        frames ->
            frames.anyMatch(
                it ->
                    it.getClassName().equals(PROCESS)
                        && it.getMethodName().equals("findTestsForTestClasses")));
  }

  private static void proceed(Invocation<Void> invocation) throws Throwable {
    if (isLookingForTests()) {
      invocation.skip();
    } else {
      invocation.proceed();
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceed(invocation);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    proceed(invocation);
  }

  @Override
  public void interceptDynamicTest(
      Invocation<Void> invocation, DynamicTestInvocationContext test, ExtensionContext context)
      throws Throwable {
    proceed(invocation);
  }
}
