"""An AWS budget that writes e-mails. Hours late, it stops nothing: the farm's own count holds new work."""

from __future__ import annotations

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from stacks.tags import FARM_TAG

NOTICE_PERCENTAGES = (80, 100)


class BudgetNotice(Construct):
    """Of what AWS bills with the farm's tag, once that is activated for cost allocation (docs/costs.md).

    A budget that only writes costs nothing.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, farm_name: str, dollars: float, email: str
    ) -> None:
        super().__init__(scope, construct_id)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{FARM_TAG}${farm_name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="ACTUAL",
                        comparison_operator="GREATER_THAN",
                        threshold=percentage,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[
                        budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)
                    ],
                )
                for percentage in NOTICE_PERCENTAGES
            ],
        )
